//! Odds Ratio Preference Optimization, arXiv:2403.07691.
//!
//! With the geometric mean `p(y) = exp(log pi(y | x) / |y|)` of a response's token probabilities (equations 3 to 7; the
//! paper's lambda is `beta`, as in TRL):
//!
//! ```text
//! odds(y) = p(y) / (1 - p(y))
//! L       = - mean over pairs of (1 / |w|) log pi(w | x) + beta log sigmoid(log odds(w) - log odds(l))
//! ```
//!
//! The likelihood of the chosen response and its odds against the other one: no reference, no warm-up.
//!
//! Others differ in the likelihood. LLaMA-Factory has the paper's. TRL and, as an option, tunix take the mean over all
//! tokens of prompts and responses, pmetal the sum over a response.

crate::prelude!();

/// Hyper-parameters of [`orpo`].
#[derive(Hyper)]
pub struct Orpo {
    /// Weight of the odds.
    #[hyper(default = 0.1, at_least = 0.0, at_most = 100.0)]
    pub beta: Param,
}

/// `- log sigmoid(log odds(w) - log odds(l))`, and the rewards that are reported: `beta` times the mean log-probabilities.
#[loss]
pub fn odds_loss(actor: &Actor, pair: &Pair, beta: Param) -> PerPrompt<Loss> {
    let chosen = actor.logp(pair.chosen).mean(Token);
    let rejected = actor.logp(pair.rejected).mean(Token);
    report_rewards((beta * chosen).as_reward(), (beta * rejected).as_reward());
    -log_sigmoid(chosen.log_odds() - rejected.log_odds())
}

/// Odds Ratio Preference Optimization: the likelihood of the chosen response, and its odds against the rejected one.
#[algorithm(paper = "arXiv:2403.07691")]
pub fn orpo(actor: &Actor, pair: &Pair, hp: &Orpo) -> Scalar<Loss> {
    let likelihood = actor.logp(pair.chosen).mean(Token).batch_mean();
    hp.beta * odds_loss(actor, pair, hp.beta).mean(Prompt) - likelihood
}

/// LLaMA-Factory's `pref_loss: orpo`: the paper's formula.
#[algorithm(
    paper = "arXiv:2403.07691",
    preset = "orpo@llamafactory",
    source = "LLaMA-Factory 0.9.5, src/llamafactory/train/dpo/trainer.py, ff6d4d12"
)]
pub fn orpo_llamafactory(actor: &Actor, pair: &Pair, hp: &Orpo) -> Scalar<Loss> {
    orpo(actor, pair, hp)
}

/// TRL's `ORPOTrainer`: the likelihood is that of prompt and chosen response together, the mean over all of the batch's
/// tokens; a prompt's first token follows nothing and is not scored. tunix has it as an option.
#[algorithm(
    paper = "arXiv:2403.07691",
    preset = "orpo@trl",
    source = "TRL 1.9, trl/experimental/orpo/orpo_trainer.py, f2cd5771"
)]
pub fn orpo_trl(actor: &Actor, pair: &Pair, hp: &Orpo) -> Scalar<Loss> {
    hp.beta * odds_loss(actor, pair, hp.beta).mean(Prompt) - actor.logp(pair.document).batch_mean()
}

/// pmetal's: the likelihood is a sum over the chosen tokens, beside odds of means: long responses pull harder.
#[algorithm(
    paper = "arXiv:2403.07691",
    preset = "orpo@pmetal",
    source = "pmetal, crates/pmetal-trainer/src/orpo.rs, 08917163"
)]
pub fn orpo_pmetal(actor: &Actor, pair: &Pair, hp: &Orpo) -> Scalar<Loss> {
    hp.beta * odds_loss(actor, pair, hp.beta).mean(Prompt) - actor.logp(pair.chosen).sum(Token).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::{ORPO, ORPO_LLAMAFACTORY, ORPO_PMETAL, ORPO_TRL};
    use crate::eval::logistic;
    use crate::given::{Given, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        for algorithm in [&ORPO, &ORPO_LLAMAFACTORY] {
            three_pairs().check(algorithm, &[("beta", 1.0)], 0.875 + 0.380_066_979);
            three_pairs().check(algorithm, &[("beta", 0.1)], 0.875 + 0.038_006_698);
        }
    }
    #[test]
    fn four_pairs_cost_what_tunix_says() {
        // google/tunix at c7d8950f, `test_orpo_loss_fn_with_average_log_prob` and, for whole responses,
        // `test_orpo_loss_fn_with_prompt_loss` without the likelihood of its prompts, to the 1e-4 it asks for.
        let pairs = |of: [(&[f64], &[f64]); 4]| {
            of.into_iter().enumerate().fold(Given::default(), |given, (prompt, (chosen, rejected))| {
                given.response(SideTag::Chosen, prompt, ("actor", chosen)).response(
                    SideTag::Rejected,
                    prompt,
                    ("actor", rejected),
                )
            })
        };
        let tokens = pairs([
            (&[-0.548_813_504, -0.715_189_366], &[-0.020_218_397, -0.832_619_846]),
            (&[-0.423_654_793, -0.645_894_113, -0.437_587_211], &[-0.978_618_342, -0.799_158_564, -0.461_479_362]),
            (
                &[-0.963_662_761, -0.383_441_519, -0.791_725_038, -0.528_894_920],
                &[-0.118_274_426, -0.639_921_021, -0.143_353_287, -0.944_668_917],
            ),
            (&[-0.568_044_561], &[-0.521_848_322]),
        ]);
        assert!((tokens.loss(&ORPO, &[("beta", 0.1)]) - 0.671_129).abs() < 1e-6);
        let whole = pairs([
            (&[-2.411_649_429], &[-2.501_007_142]),
            (&[-2.398_909_124], &[-3.019_785_445]),
            (&[-2.667_724_237], &[-1.846_217_652]),
            (&[-1.651_806_557], &[-1.975_299_563]),
        ]);
        let likelihood = (2.411_649_429 + 2.398_909_124 + 2.667_724_237 + 1.651_806_557) / 4.0;
        assert!((whole.loss(&ORPO, &[("beta", 1.0)]) - likelihood - 0.708_663).abs() < 1e-4);
        // With the prompts: each text as one token of its own.
        let documents = [-3.617_474_144, -3.598_363_687, -4.001_586_356, -2.477_709_836];
        let told = documents
            .into_iter()
            .enumerate()
            .fold(whole, |given, (prompt, logp)| given.response(SideTag::Document, prompt, ("actor", &[logp])));
        assert!((told.loss(&ORPO_TRL, &[("beta", 0.1)]) - 3.494_651).abs() < 1e-4);
    }
    #[test]
    fn every_token_of_prompts_and_responses_weighs_the_same() {
        // Odds alike on both sides: what is left is the likelihood. The documents have 3 and 1 tokens.
        let even = Given::pair(("actor", &[-1.0, -1.0]), ("actor", &[-1.0])).response(
            SideTag::Document,
            0,
            ("actor", &[-4.0, -1.0, -1.0]),
        );
        even.check(&ORPO_TRL, &[("beta", 0.1)], 2.0 + 0.1 * std::f64::consts::LN_2);
        even.check_gradient(&ORPO_TRL, &[("beta", 0.1)], SideTag::Document, &[-1.0 / 3.0; 3]);
        even.check(&ORPO_PMETAL, &[("beta", 0.1)], 2.0 + 0.1 * std::f64::consts::LN_2);
        even.check_gradient(&ORPO_PMETAL, &[("beta", 0.0)], SideTag::Chosen, &[-1.0, -1.0]);
    }
    #[test]
    fn odds_move_faster_than_log_probabilities() {
        // d log odds / d log p = 1 / (1 - p), 2 at p = 1/2.
        let even = Given::pair(("actor", &[-std::f64::consts::LN_2]), ("actor", &[-std::f64::consts::LN_2]));
        even.check_gradient(&ORPO, &[("beta", 0.1)], SideTag::Chosen, &[-1.0 - 0.1 * 2.0 * logistic(0.0)]);
        even.check_gradient(&ORPO, &[("beta", 0.1)], SideTag::Rejected, &[0.1 * 2.0 * logistic(0.0)]);
    }
}

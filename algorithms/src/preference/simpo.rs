//! Simple Preference Optimization, arXiv:2405.14734.
//!
//! With the reward `r(y) = (beta / |y|) log pi(y | x)`, the mean over the response's tokens, and no reference
//! (equation 6):
//!
//! ```text
//! L = - mean over pairs of log sigmoid(r(w) - r(l) - gamma)
//! ```
//!
//! `simpo_gamma` is the paper's gamma, as in TRL. The authors' scripts take `gamma / beta` instead: the same number
//! there means another loss.

crate::prelude!();

/// Hyper-parameters of [`simpo`].
#[derive(Hyper)]
pub struct Simpo {
    /// Scale of the reward.
    #[hyper(default = 2.0, above = 0.0, at_most = 100.0)]
    pub beta: Param,
    /// By how much the chosen response's reward should exceed the other's.
    #[hyper(default = 0.5, at_least = 0.0, at_most = 100.0)]
    pub simpo_gamma: Param,
}

/// The mean log-probability of a token, scaled: long responses are not favoured.
#[reward]
pub fn mean_logp<Y: Side>(actor: &Actor, y: Reply<Y>, beta: Param) -> PerResponse<Reward, Y> {
    (beta * actor.logp(y).mean(Token)).as_reward()
}

/// Simple Preference Optimization: raises the mean log-probability of the chosen response over the rejected one's.
#[algorithm(paper = "arXiv:2405.14734")]
pub fn simpo(actor: &Actor, pair: &Pair, hp: &Simpo) -> Scalar<Loss> {
    let margin = mean_logp(actor, pair.chosen, hp.beta) - mean_logp(actor, pair.rejected, hp.beta);
    -log_sigmoid(margin - hp.simpo_gamma).mean(Prompt)
}

/// Hyper-parameters of [`simpo_trl`].
#[derive(Hyper)]
pub struct SimpoTrl {
    /// Scale of the reward.
    #[hyper(default = 0.1, above = 0.0, at_most = 100.0)]
    pub beta: Param,
    /// By how much the chosen response's reward should exceed the other's.
    #[hyper(default = 0.5, at_least = 0.0, at_most = 100.0)]
    pub simpo_gamma: Param,
    /// How often a pair is labelled the wrong way round.
    #[hyper(default = 0.0, at_least = 0.0, below = 0.5)]
    pub label_smoothing: Param,
    /// Weight of the chosen tokens' likelihood.
    #[hyper(default = 1.0, at_least = 0.0, at_most = 100.0)]
    pub cpo_alpha: Param,
}

/// TRL's `CPOTrainer` with `loss_type="simpo"`: with the likelihood of the chosen tokens unless `cpo_alpha` is 0.
#[algorithm(
    paper = "arXiv:2405.14734",
    preset = "simpo@trl",
    source = "TRL 1.9, trl/experimental/cpo/cpo_trainer.py, f2cd5771, loss_type simpo"
)]
pub fn simpo_trl(actor: &Actor, pair: &Pair, hp: &SimpoTrl) -> Scalar<Loss> {
    let gap = mean_logp(actor, pair.chosen, hp.beta) - mean_logp(actor, pair.rejected, hp.beta) - hp.simpo_gamma;
    let right = (1.0 - hp.label_smoothing) * log_sigmoid(gap);
    let wrong = hp.label_smoothing * log_sigmoid(-gap);
    -(right + wrong).mean(Prompt) + hp.cpo_alpha * -actor.logp(pair.chosen).batch_mean()
}

/// LLaMA-Factory's `pref_loss: simpo`: the paper's formula.
#[algorithm(
    paper = "arXiv:2405.14734",
    preset = "simpo@llamafactory",
    source = "LLaMA-Factory 0.9.5, src/llamafactory/train/dpo/trainer.py, ff6d4d12"
)]
pub fn simpo_llamafactory(actor: &Actor, pair: &Pair, hp: &Simpo) -> Scalar<Loss> {
    simpo(actor, pair, hp)
}

/// Hyper-parameters of [`simpo_authors`].
#[derive(Hyper)]
pub struct SimpoAuthors {
    /// Scale of the reward.
    #[hyper(default = 2.0, above = 0.0, at_most = 100.0)]
    pub beta: Param,
    /// By how much the chosen response's mean log-probability should exceed the other's.
    #[hyper(default = 0.25, at_least = 0.0, at_most = 100.0)]
    pub gamma_beta_ratio: Param,
}

/// The authors' scripts: the margin is given before it is scaled by `beta`.
#[algorithm(
    paper = "arXiv:2405.14734",
    preset = "simpo@authors",
    source = "princeton-nlp/SimPO, scripts/simpo_trainer.py"
)]
pub fn simpo_authors(actor: &Actor, pair: &Pair, hp: &SimpoAuthors) -> Scalar<Loss> {
    simpo(actor, pair, &Simpo { beta: hp.beta, simpo_gamma: hp.beta * hp.gamma_beta_ratio })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{Given, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&SIMPO, &[("beta", 2.0), ("simpo_gamma", 0.5)], 0.405_984_501);
    }
    #[test]
    fn the_presets_mean_by_their_options_what_the_peer_does() {
        let settings = [("beta", 2.0), ("simpo_gamma", 0.5)];
        three_pairs().check(&SIMPO_LLAMAFACTORY, &settings, 0.405_984_501);
        three_pairs().check(&SIMPO_TRL, &settings, 0.405_984_501 + 11.5 / 11.0);
        three_pairs().check(&SIMPO_TRL, &[&settings[..], &[("cpo_alpha", 0.0)]].concat(), 0.405_984_501);
        three_pairs().check(&SIMPO_AUTHORS, &[("beta", 2.0), ("gamma_beta_ratio", 0.25)], 0.405_984_501);
        three_pairs().check(&SIMPO_AUTHORS, &[("beta", 2.0), ("gamma_beta_ratio", 0.5)], 0.560_490_032);
    }
    #[test]
    fn means_that_are_given_cost_what_torchtune_says() {
        // `test_simpo_loss`, torchtune at 75965d42: 1.5410084538, 0 and 0 for mean log-probabilities of these sums.
        let pair = |chosen, rejected| Given::pair(("actor", &[chosen]), ("actor", &[rejected]));
        pair(-0.5, -0.1).check(&SIMPO, &[("beta", 2.0), ("simpo_gamma", 0.5)], 1.541_008_453_833);
        pair(-10.0, -30.0).check(&SIMPO, &[("beta", 2.0), ("simpo_gamma", 0.5)], 0.0);
        pair(-1.0, -21.0).check(&SIMPO, &[("beta", 2.0), ("simpo_gamma", 0.5)], 0.0);
    }
    #[test]
    fn a_long_response_is_pushed_less_at_each_token() {
        let equal = Given::pair(("actor", &[-1.0; 4]), ("actor", &[-1.0]));
        equal.check_gradient(&SIMPO, &[("simpo_gamma", 0.0)], SideTag::Chosen, &[-0.25; 4]);
        equal.check_gradient(&SIMPO, &[("simpo_gamma", 0.0)], SideTag::Rejected, &[1.0]);
    }
}

//! Direct Preference Optimization, arXiv:2305.18290.
//!
//! With the implicit reward `r(y) = beta log(pi(y | x) / pi_ref(y | x))`, a chosen response `w` and a rejected `l`
//! (equation 7):
//!
//! ```text
//! L = - mean over pairs of log sigmoid(r(w) - r(l))
//! ```
//!
//! With `label_smoothing` e, the chance that a pair is labelled the wrong way round ("conservative DPO",
//! <https://ericmitchell.ai/cdpo.pdf>):
//!
//! ```text
//! L = - mean over pairs of (1 - e) log sigmoid(r(w) - r(l)) + e log sigmoid(r(l) - r(w))
//! ```
//!
//! Others differ: TRL has accepted `label_smoothing` without reading it since February 2026 (#3906), Liger likewise;
//! OpenRLHF, LLaMA-Factory, torchtune and tunix smooth.

crate::prelude!();

/// Hyper-parameters of [`dpo`].
#[derive(Hyper)]
pub struct Dpo {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How often a pair is labelled the wrong way round.
    #[hyper(default = 0.0, at_least = 0.0, below = 0.5)]
    pub label_smoothing: Param,
}

/// The implicit reward `beta log(pi / pi_ref)` of a whole response.
#[reward]
pub fn implicit<Y: Side>(
    actor: &impl Trainable,
    reference: &impl Frozen,
    y: Reply<Y>,
    beta: Param,
) -> PerResponse<Reward, Y> {
    beta * (actor.logp(y) - reference.logp(y)).sum(Token)
}

/// By how much the implicit reward of the chosen response exceeds the rejected one's.
#[reward]
pub fn margin(
    actor: &impl Trainable,
    reference: &impl Frozen,
    chosen: Reply<Chosen>,
    rejected: Reply<Rejected>,
    beta: Param,
) -> PerPrompt<Margin> {
    implicit(actor, reference, chosen, beta) - implicit(actor, reference, rejected, beta)
}

/// Direct Preference Optimization: raises the implicit reward of the chosen response over the rejected one's.
#[algorithm(paper = "arXiv:2305.18290")]
pub fn dpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Dpo) -> Scalar<Loss> {
    let margin = margin(actor, reference, pair.chosen, pair.rejected, hp.beta);
    let right = (1.0 - hp.label_smoothing) * log_sigmoid(margin);
    let wrong = hp.label_smoothing * log_sigmoid(-margin);
    -(right + wrong).mean(Prompt)
}

/// Hyper-parameters of [`dpo_trl`].
#[derive(Hyper)]
pub struct DpoTrl {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// TRL's `loss_type="sigmoid"`: labels are never smoothed.
#[algorithm(
    paper = "arXiv:2305.18290",
    preset = "dpo@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type sigmoid"
)]
pub fn dpo_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &DpoTrl) -> Scalar<Loss> {
    -log_sigmoid(margin(actor, reference, pair.chosen, pair.rejected, hp.beta)).mean(Prompt)
}

/// Hyper-parameters of [`dpo_openrlhf`].
#[derive(Hyper)]
pub struct DpoOpenrlhf {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How often a pair is labelled the wrong way round.
    #[hyper(default = 0.0, at_least = 0.0, below = 0.5)]
    pub label_smoothing: Param,
    /// Weight of the chosen response's mean log-probability.
    #[hyper(default = 0.0, at_least = 0.0, at_most = 100.0)]
    pub nll_loss_coef: Param,
}

/// OpenRLHF's: smoothed labels, and the mean log-probability of a chosen token beside it if wanted.
#[algorithm(
    paper = "arXiv:2305.18290",
    preset = "dpo@openrlhf",
    source = "OpenRLHF, openrlhf/models/loss.py and openrlhf/trainer/dpo_trainer.py, 3c3be623"
)]
pub fn dpo_openrlhf(actor: &Actor, reference: &Reference, pair: &Pair, hp: &DpoOpenrlhf) -> Scalar<Loss> {
    let smoothed = Dpo { beta: hp.beta, label_smoothing: hp.label_smoothing };
    dpo(actor, reference, pair, &smoothed) + hp.nll_loss_coef * -actor.logp(pair.chosen).mean(Token).batch_mean()
}

/// Hyper-parameters of [`dpo_llamafactory`].
#[derive(Hyper)]
pub struct DpoLlamafactory {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How often a pair is labelled the wrong way round.
    #[hyper(default = 0.0, at_least = 0.0, below = 0.5)]
    pub label_smoothing: Param,
    /// Weight of the chosen response's mean log-probability.
    #[hyper(default = 0.0, at_least = 0.0, at_most = 100.0)]
    pub pref_ftx: Param,
}

/// LLaMA-Factory's `pref_loss: sigmoid`: smoothed labels, and the mean log-probability of a chosen token if wanted.
#[algorithm(
    paper = "arXiv:2305.18290",
    preset = "dpo@llamafactory",
    source = "LLaMA-Factory 0.9.5, src/llamafactory/train/dpo/trainer.py, ff6d4d12"
)]
pub fn dpo_llamafactory(actor: &Actor, reference: &Reference, pair: &Pair, hp: &DpoLlamafactory) -> Scalar<Loss> {
    let smoothed = Dpo { beta: hp.beta, label_smoothing: hp.label_smoothing };
    dpo(actor, reference, pair, &smoothed) + hp.pref_ftx * -actor.logp(pair.chosen).mean(Token).batch_mean()
}

/// Hyper-parameters of the presets of NeMo-Aligner on pairs without scores.
#[derive(Hyper)]
pub struct NemoAligner {
    /// How strongly the policy is held to the reference: `ref_policy_kl_penalty` there.
    #[hyper(default = 0.2, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// Weight of the preference loss.
    #[hyper(default = 1.0, at_least = 0.0, at_most = 100.0)]
    pub preference_loss_weight: Param,
    /// Weight of the chosen response's log-probability.
    #[hyper(default = 0.0, at_least = 0.0, at_most = 100.0)]
    pub sft_loss_weight: Param,
}

/// NeMo-Aligner's: the log-probability of whole chosen responses beside it if wanted.
#[algorithm(
    paper = "arXiv:2305.18290",
    preset = "dpo@nemo_aligner",
    source = "NeMo-Aligner, nemo_aligner/models/nlp/gpt/megatron_gpt_dpo_model.py, af2b3bd9"
)]
pub fn dpo_nemo_aligner(actor: &Actor, reference: &Reference, pair: &Pair, hp: &NemoAligner) -> Scalar<Loss> {
    let preference = -log_sigmoid(margin(actor, reference, pair.chosen, pair.rejected, hp.beta)).mean(Prompt);
    let likelihood = -actor.logp(pair.chosen).sum(Token).batch_mean();
    hp.preference_loss_weight * preference + hp.sft_loss_weight * likelihood
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{Given, start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&DPO, &[("beta", 0.1)], 0.377_778_96);
        three_pairs().check(&DPO, &[("beta", 0.1), ("label_smoothing", 0.1)], 0.477_778_96);
    }
    #[test]
    fn at_the_start_every_token_is_pushed_by_half_of_beta() {
        start().check(&DPO, &[], std::f64::consts::LN_2);
        start().check_gradient(&DPO, &[], SideTag::Chosen, &[-0.05, -0.05]);
        start().check_gradient(&DPO, &[], SideTag::Rejected, &[0.05]);
    }
    #[test]
    fn the_presets_smooth_where_the_peer_does() {
        three_pairs().check(&DPO_TRL, &[("beta", 0.1)], 0.377_778_96);
        three_pairs().check(&DPO_OPENRLHF, &[("beta", 0.1), ("label_smoothing", 0.1)], 0.477_778_96);
        three_pairs().check(&DPO_LLAMAFACTORY, &[("beta", 0.1), ("label_smoothing", 0.1)], 0.477_778_96);
    }
    #[test]
    fn the_presets_weigh_the_likelihood_as_the_peer_does() {
        // Mean log-probabilities of a token of -1/8, -2 and -1/2; of a response of -0.5, -10 and -1.
        three_pairs().check(&DPO_OPENRLHF, &[("nll_loss_coef", 0.5)], 0.377_778_96 + 0.5 * 0.875);
        three_pairs().check(&DPO_LLAMAFACTORY, &[("pref_ftx", 0.5)], 0.377_778_96 + 0.5 * 0.875);
        let settings = [("beta", 0.1), ("preference_loss_weight", 2.0), ("sft_loss_weight", 0.3)];
        three_pairs().check(&DPO_NEMO_ALIGNER, &settings, 2.0 * 0.377_778_96 + 0.3 * 11.5 / 3.0);
    }
    #[test]
    fn four_pairs_cost_what_tunix_says() {
        // `test_dpo_loss_fn`, google/tunix at c7d8950f; it gives six digits.
        let actor = [
            (26.919_203_688_210_423, 3.739_463_858_704_910_5),
            (8.445_056_597_507_24, -8.885_500_209_703_27),
            (9.528_483_641_343_339, 3.369_818_083_322_276_6),
            (8.301_251_508_797_572, 17.676_239_647_789_163),
        ];
        let reference = [
            (-15.300_726_980_381_059, -11.676_010_955_531_67),
            (8.715_204_807_644_222, -6.456_438_397_497_614),
            (-11.120_328_488_196_453, -3.140_370_697_725_762),
            (-7.115_157_437_904_282, -17.857_212_468_463_118),
        ];
        let mut pairs = Given::default();
        for (policy, sums) in [("actor", actor), ("reference", reference)] {
            for (prompt, (chosen, rejected)) in sums.into_iter().enumerate() {
                pairs = pairs.response(SideTag::Chosen, prompt, (policy, &[chosen])).response(
                    SideTag::Rejected,
                    prompt,
                    (policy, &[rejected]),
                );
            }
        }
        assert!((pairs.loss(&DPO, &[]) - 0.753_059).abs() < 1e-6);
    }
    #[test]
    fn an_equal_pair_with_its_likelihood_costs_what_nemo_rl_says() {
        // `test_dpo_loss`, NVIDIA-NeMo/RL at 7ea279ab: two tokens of a uniform vocabulary of 16, weight 1/2.
        let uniform = [-(16.0_f64.ln()); 2];
        let equal = Given::pair(("actor", &uniform), ("actor", &uniform))
            .also(("reference", &[0.0; 2]), ("reference", &[0.0; 2]));
        equal.check(&DPO_NEMO_ALIGNER, &[("sft_loss_weight", 0.5)], 3.465_735_902_799_726_5);
    }
}

//! Mixed Preference Optimization, arXiv:2411.10442.
//!
//! Three losses: which response is better (DPO), whether a response is good (BCO), and how to write it (the likelihood
//! of the chosen response). With the implicit reward `r(y) = beta log(pi(y | x) / pi_ref(y | x))` and the running mean
//! `d` of all rewards:
//!
//! ```text
//! L = - mean over pairs of preference_weight log sigmoid(r(w) - r(l))
//!                        + quality_weight [log sigmoid(r(w) - d) + log sigmoid(d - r(l))]
//!                        + generation_weight (1 / |w|) log pi(w | x)
//! ```
//!
//! Others differ: TRL mixes its `bco_pair`, which has no shift, and takes the likelihood's mean over all chosen tokens;
//! LLaMA-Factory divides by the sum of the first two weights.

crate::prelude!();
use crate::bco::running_mean;
use crate::dpo::implicit;

/// Hyper-parameters of [`mpo`].
#[derive(Hyper)]
pub struct Mpo {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// Weight of the preference.
    #[hyper(default = 0.8, at_least = 0.0, at_most = 100.0)]
    pub preference_weight: Param,
    /// Weight of the quality.
    #[hyper(default = 0.2, at_least = 0.0, at_most = 100.0)]
    pub quality_weight: Param,
    /// Weight of the likelihood.
    #[hyper(default = 1.0, at_least = 0.0, at_most = 100.0)]
    pub generation_weight: Param,
}

/// `- log sigmoid(r(w) - d) - log sigmoid(d - r(l))`: are they good responses, are they bad ones?
#[reward]
pub fn quality(chosen: PerResponse<Reward, Chosen>, rejected: PerResponse<Reward, Rejected>) -> PerPrompt<Loss> {
    let now = 0.5 * (chosen.detach().batch_mean() + rejected.detach().batch_mean());
    let shift = running_mean(now);
    -(log_sigmoid(chosen - shift) + log_sigmoid(-(rejected - shift)))
}

/// Mixed Preference Optimization: which response is better, whether each is good, and how to write the chosen one.
#[algorithm(paper = "arXiv:2411.10442")]
pub fn mpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Mpo) -> Scalar<Loss> {
    let chosen = implicit(actor, reference, pair.chosen, hp.beta);
    let rejected = implicit(actor, reference, pair.rejected, hp.beta);
    let preference = -log_sigmoid(chosen - rejected).mean(Prompt);
    let quality = quality(chosen, rejected).mean(Prompt);
    let likelihood = -actor.logp(pair.chosen).mean(Token).batch_mean();
    hp.preference_weight * preference + hp.quality_weight * quality + hp.generation_weight * likelihood
}

/// TRL's mixture for MPO: the quality term has no shift, and the likelihood is a mean over all chosen tokens.
#[algorithm(
    paper = "arXiv:2411.10442",
    preset = "mpo@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type [sigmoid, bco_pair, sft]"
)]
pub fn mpo_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Mpo) -> Scalar<Loss> {
    let chosen = implicit(actor, reference, pair.chosen, hp.beta);
    let rejected = implicit(actor, reference, pair.rejected, hp.beta);
    let preference = -log_sigmoid(chosen - rejected).mean(Prompt);
    let quality = -(log_sigmoid(chosen) + log_sigmoid(-rejected)).mean(Prompt);
    let likelihood = -actor.logp(pair.chosen).batch_mean();
    hp.preference_weight * preference + hp.quality_weight * quality + hp.generation_weight * likelihood
}

/// Hyper-parameters of [`mpo_llamafactory`].
#[derive(Hyper)]
pub struct MpoLlamafactory {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// Weight of the quality beside the preference.
    #[hyper(default = 0.25, at_least = 0.0, at_most = 100.0)]
    pub pref_bco_weight: Param,
    /// Weight of the likelihood.
    #[hyper(default = 1.0, at_least = 0.0, at_most = 100.0)]
    pub pref_ftx: Param,
}

/// LLaMA-Factory's `pref_loss: sigmoid` with `pref_bco_weight`: the mean of preference and quality, so weighted.
#[algorithm(
    paper = "arXiv:2411.10442",
    preset = "mpo@llamafactory",
    source = "LLaMA-Factory 0.9.5, src/llamafactory/train/dpo/trainer.py, ff6d4d12, pref_bco_weight"
)]
pub fn mpo_llamafactory(actor: &Actor, reference: &Reference, pair: &Pair, hp: &MpoLlamafactory) -> Scalar<Loss> {
    let chosen = implicit(actor, reference, pair.chosen, hp.beta);
    let rejected = implicit(actor, reference, pair.rejected, hp.beta);
    let preference = -log_sigmoid(chosen - rejected).mean(Prompt);
    let mixed = preference + hp.pref_bco_weight * quality(chosen, rejected).mean(Prompt);
    mixed / (1.0 + hp.pref_bco_weight) + hp.pref_ftx * -actor.logp(pair.chosen).mean(Token).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::{MPO, MPO_LLAMAFACTORY, MPO_TRL};
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_their_parts_do() {
        three_pairs().check(&MPO_TRL, &[("beta", 0.1)], 0.8 * 0.377_778_96 + 0.2 * 1.082_063_231 + 11.5 / 11.0);
    }
    #[test]
    fn the_quality_is_shifted_by_the_running_mean() {
        // Rewards 0, 0.01, -0.09 and 0, -0.99, -2.09: mean -0.526666667. In a second step after 0.5: -0.013333333.
        let quality = |shift: f64| {
            let of = |r: f64| crate::eval::log_logistic(r);
            let chosen = [0.0, 0.01, -0.09].map(|r| of(r - shift)).iter().sum::<f64>();
            let rejected = [0.0, -0.99, -2.09].map(|r| of(shift - r)).iter().sum::<f64>();
            -(chosen + rejected) / 3.0
        };
        let first = quality(-3.16 / 6.0);
        let second = quality((0.5 - 3.16 / 6.0) / 2.0);
        let settings = [("beta", 0.1)];
        three_pairs().check(&MPO, &settings, 0.8 * 0.377_778_96 + 0.2 * first + 0.875);
        three_pairs().check(&MPO_LLAMAFACTORY, &settings, 0.8 * 0.377_778_96 + 0.2 * first + 0.875);
        let later = three_pairs().state("mean_reward", 0.5).state("steps", 1.0);
        later.check(&MPO, &settings, 0.8 * 0.377_778_96 + 0.2 * second + 0.875);
    }
    #[test]
    fn tokens_are_pushed_by_all_three_terms() {
        start().check_gradient(&MPO_TRL, &[], SideTag::Chosen, &[-0.55, -0.55]);
        start().check_gradient(&MPO_TRL, &[], SideTag::Rejected, &[0.05]);
    }
}

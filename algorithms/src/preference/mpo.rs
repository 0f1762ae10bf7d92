//! Mixed Preference Optimization, arXiv:2411.10442.
//!
//! Three losses: which response is better (DPO), whether a response is good (BCO), and how to write it (the likelihood
//! of the chosen response), with weights 0.8, 0.2 and 1.

crate::prelude!();
use crate::dpo::implicit;

/// Hyper-parameters of [`mpo_trl`].
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

#[cfg(test)]
mod tests {
    use super::MPO_TRL;
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_their_parts_do() {
        three_pairs().check(&MPO_TRL, &[("beta", 0.1)], 0.8 * 0.377_778_96 + 0.2 * 1.082_063_231 + 11.5 / 11.0);
    }
    #[test]
    fn tokens_are_pushed_by_all_three_terms() {
        start().check_gradient(&MPO_TRL, &[], SideTag::Chosen, &[-0.55, -0.55]);
        start().check_gradient(&MPO_TRL, &[], SideTag::Rejected, &[0.05]);
    }
}

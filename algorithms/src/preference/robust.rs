//! Robust DPO, arXiv:2403.00409.
//!
//! With the margin `a = beta [h(w) - h(l)]`, `h(y) = log(pi(y | x) / pi_ref(y | x))`, and labels of which a share `e`
//! (`label_smoothing`) is the wrong way round:
//!
//! ```text
//! L = - mean over pairs of [(1 - e) log sigmoid(a) - e log sigmoid(-a)] / (1 - 2 e)
//! ```
//!
//! Over the flips of the labels its mean is DPO on the right labels. It can be negative, and it is not conservative
//! DPO, where the second term has the other sign.

crate::prelude!();
use crate::dpo::margin;

/// Hyper-parameters of [`robust`].
#[derive(Hyper)]
pub struct Robust {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How often a pair is labelled the wrong way round.
    #[hyper(default = 0.1, at_least = 0.0, below = 0.5)]
    pub label_smoothing: Param,
}

/// Robust DPO: on average over labels that are wrong this often, DPO on the right ones.
#[algorithm(paper = "arXiv:2403.00409")]
pub fn robust(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Robust) -> Scalar<Loss> {
    let margin = margin(actor, reference, pair.chosen, pair.rejected, hp.beta);
    let labelled = (1.0 - hp.label_smoothing) * -log_sigmoid(margin);
    let flipped = hp.label_smoothing * -log_sigmoid(-margin);
    let unbiased = labelled - flipped.treat_as::<Gain>("what the wrong labels add on average is taken off again");
    (unbiased / (1.0 - 2.0 * hp.label_smoothing)).mean(Prompt)
}

/// TRL's `loss_type="robust"`: the same formula.
#[algorithm(
    paper = "arXiv:2403.00409",
    preset = "robust@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type robust"
)]
pub fn robust_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Robust) -> Scalar<Loss> {
    robust(actor, reference, pair, hp)
}

/// Hyper-parameters of [`robust_pmetal`].
#[derive(Hyper)]
pub struct RobustPmetal {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// pmetal's `Robust`: DPO and half a hinge at one half. It is another loss by the same name: no label is taken to be wrong.
#[algorithm(
    paper = "arXiv:2403.00409",
    preset = "robust@pmetal",
    source = "pmetal, crates/pmetal-trainer/src/dpo.rs, 08917163"
)]
pub fn robust_pmetal(actor: &Actor, reference: &Reference, pair: &Pair, hp: &RobustPmetal) -> Scalar<Loss> {
    let margin = margin(actor, reference, pair.chosen, pair.rejected, hp.beta);
    let hinge = max(0.5 - margin, 0.0).as_loss();
    (0.5 * hinge - log_sigmoid(margin)).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::{ROBUST, ROBUST_PMETAL};
    use crate::dpo::DPO;
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&ROBUST, &[("beta", 0.1), ("label_smoothing", 0.1)], 0.252_778_96);
    }
    #[test]
    fn pmetals_is_dpo_and_half_a_hinge() {
        // Margins of 0, 1 and 2: only the first is below one half.
        three_pairs().check(&ROBUST_PMETAL, &[("beta", 0.1)], 0.377_778_960 + 0.5 * 0.5 / 3.0);
    }
    #[test]
    fn where_no_label_is_wrong_it_is_dpo() {
        three_pairs().check(&ROBUST, &[("label_smoothing", 0.0)], three_pairs().loss(&DPO, &[]));
    }
    #[test]
    fn wrong_labels_make_the_first_step_larger() {
        let slope = 0.1 * 0.5 / 0.8;
        start().check_gradient(&ROBUST, &[], SideTag::Chosen, &[-slope, -slope]);
        start().check_gradient(&ROBUST, &[], SideTag::Rejected, &[slope]);
    }
}

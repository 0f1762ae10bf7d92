//! The hinge loss on implicit rewards: "hinge-norm" of Statistical Rejection Sampling Optimization, arXiv:2309.06657,
//! which is SLiC-HF (arXiv:2305.10425) with the reference taken off.
//!
//! With the implicit reward `r(y) = beta log(pi(y | x) / pi_ref(y | x))` (the paper's gamma is `beta` here):
//!
//! ```text
//! L = mean over pairs of max(0, 1 - [r(w) - r(l)])
//! ```
//!
//! A pair whose margin has reached 1 no longer pushes.

crate::prelude!();
use crate::dpo::margin;

/// Hyper-parameters of [`hinge`].
#[derive(Hyper)]
pub struct Hinge {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// The hinge loss on implicit rewards: raises the chosen one over the rejected one until the margin is 1.
#[algorithm(paper = "arXiv:2309.06657")]
pub fn hinge(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Hinge) -> Scalar<Loss> {
    max(1.0 - margin(actor, reference, pair.chosen, pair.rejected, hp.beta), 0.0).as_loss().mean(Prompt)
}

/// TRL's `loss_type="hinge"`: the same formula.
#[algorithm(
    paper = "arXiv:2309.06657",
    preset = "hinge@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type hinge"
)]
pub fn hinge_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Hinge) -> Scalar<Loss> {
    hinge(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::{HINGE, HINGE_TRL};
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        // 1, 0 and 0: torchtune's test of its `RSOLoss`.
        three_pairs().check(&HINGE, &[("beta", 0.1)], 1.0 / 3.0);
        three_pairs().check(&HINGE_TRL, &[("beta", 0.1)], 1.0 / 3.0);
    }
    #[test]
    fn the_slope_is_beta() {
        start().check_gradient(&HINGE, &[("beta", 0.1)], SideTag::Chosen, &[-0.1, -0.1]);
        start().check_gradient(&HINGE, &[("beta", 0.1)], SideTag::Rejected, &[0.1]);
    }
}

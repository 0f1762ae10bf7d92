//! Efficient Exact Optimization, arXiv:2402.00856, on pairs.
//!
//! With the margin `a = beta [h(w) - h(l)]`, `h(y) = log(pi(y | x) / pi_ref(y | x))`, the learned preference
//! `q = sigmoid(a)`, and labels of which a share `e` (`label_smoothing`) is the wrong way round:
//!
//! ```text
//! L = mean over pairs of KL(q || 1 - e)
//!   = mean over pairs of q [log q - log(1 - e)] + (1 - q) [log(1 - q) - log e]
//! ```
//!
//! The learned preference is the first argument, where DPO has it second: this is RPO's forward divergence with the
//! judged gap `log((1 - e) / e)`. With `e = 0` it is infinite, so 0 is refused.

crate::prelude!();
use crate::dpo::margin;

/// Hyper-parameters of [`exo`].
#[derive(Hyper)]
pub struct Exo {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How often a pair is labelled the wrong way round.
    #[hyper(default = 0.001, above = 0.0, below = 0.5)]
    pub label_smoothing: Param,
}

/// Efficient Exact Optimization: the divergence of the learned preference from the labelled one.
#[algorithm(paper = "arXiv:2402.00856")]
pub fn exo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Exo) -> Scalar<Loss> {
    let labelled = fixed_margin(((1.0 - hp.label_smoothing) / hp.label_smoothing).ln());
    forward_kl(margin(actor, reference, pair.chosen, pair.rejected, hp.beta), labelled).mean(Prompt)
}

/// TRL's `loss_type="exo_pair"`: the same formula.
#[algorithm(
    paper = "arXiv:2402.00856",
    preset = "exo@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type exo_pair"
)]
pub fn exo_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Exo) -> Scalar<Loss> {
    exo(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::EXO;
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&EXO, &[("beta", 0.1), ("label_smoothing", 0.001)], 1.498_837_515);
    }
    #[test]
    fn the_first_step_goes_by_the_labelled_gap() {
        let slope = 0.1 * -0.25 * (0.999_f64 / 0.001).ln();
        start().check_gradient(&EXO, &[], SideTag::Chosen, &[slope, slope]);
        start().check_gradient(&EXO, &[], SideTag::Rejected, &[-slope]);
    }
}

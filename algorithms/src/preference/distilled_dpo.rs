//! Distilled DPO, arXiv:2405.19316.
//!
//! With the learned gap `a = beta [h(w) - h(l)]`, `h(y) = log(pi(y | x) / pi_ref(y | x))`, and the reward model's
//! scores `s`:
//!
//! ```text
//! L = mean over pairs of (s(w) - s(l) - a)^2
//! ```
//!
//! The policy becomes the reward model: its implicit reward takes over the size of every difference, where DPO only
//! takes its sign. This is RPO's squared distance with `eta = 1`.

crate::prelude!();
use crate::dpo::margin;

/// Hyper-parameters of [`distilled_dpo`].
#[derive(Hyper)]
pub struct DistilledDpo {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// Distilled DPO: the implicit reward takes over the differences of a reward model's scores.
#[algorithm(paper = "arXiv:2405.19316")]
pub fn distilled_dpo(actor: &Actor, reference: &Reference, pair: &ScoredPair, hp: &DistilledDpo) -> Scalar<Loss> {
    let learned = margin(actor, reference, pair.chosen, pair.rejected, hp.beta);
    squared_error(learned, pair.chosen_score - pair.rejected_score).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::DISTILLED_DPO;
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&DISTILLED_DPO, &[("beta", 0.1)], 2.5);
    }
    #[test]
    fn the_first_step_goes_by_the_score() {
        let scored = || start().scores(&[2.0], &[0.5]);
        scored().check_gradient(&DISTILLED_DPO, &[], SideTag::Chosen, &[-0.3, -0.3]);
        scored().check_gradient(&DISTILLED_DPO, &[], SideTag::Rejected, &[0.3]);
    }
}

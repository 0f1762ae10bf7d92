//! Alignment via Optimal Transport on pairs, arXiv:2406.05882.
//!
//! With the margins `m = log pi(w | x) - log pi(l | x)` of the policy and `m_ref` of the reference, each sorted over the
//! prompts of the batch, `d_i = beta [m_(i) - m_ref_(i)]` between values of equal rank:
//!
//! ```text
//! L = - mean over ranks of (1 - e) log sigmoid(d_i) + e log sigmoid(-d_i)
//! ```
//!
//! The policy's distribution of margins is to dominate the reference's, not each margin its own. With one prompt it is
//! DPO; it needs the whole batch, and so two passes. `e` is `label_smoothing`.

crate::prelude!();

/// Hyper-parameters of [`aot`].
#[derive(Hyper)]
pub struct Aot {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How often a pair is labelled the wrong way round.
    #[hyper(default = 0.0, at_least = 0.0, below = 0.5)]
    pub label_smoothing: Param,
}

/// Alignment via Optimal Transport: raises the policy's margins over the reference's, rank by rank.
#[algorithm(paper = "arXiv:2406.05882")]
pub fn aot(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Aot) -> Scalar<Loss> {
    let (chosen, rejected) = (actor.logp(pair.chosen).sum(Token), actor.logp(pair.rejected).sum(Token));
    let (before, beside) = (reference.logp(pair.chosen).sum(Token), reference.logp(pair.rejected).sum(Token));
    report_rewards(hp.beta * (chosen - before), hp.beta * (rejected - beside));
    let gap = hp.beta * (sorted(chosen - rejected) - sorted(before - beside));
    let right = (1.0 - hp.label_smoothing) * log_sigmoid(gap);
    let wrong = hp.label_smoothing * log_sigmoid(-gap);
    -(right + wrong).mean(Prompt)
}

/// TRL's `loss_type="aot"`: the same formula.
#[algorithm(
    paper = "arXiv:2406.05882",
    preset = "aot@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type aot"
)]
pub fn aot_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Aot) -> Scalar<Loss> {
    aot(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::AOT;
    use crate::eval::logistic;
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&AOT, &[("beta", 0.1)], 0.377_778_96);
    }
    #[test]
    fn a_pair_is_pushed_by_the_gap_of_its_rank() {
        // The policy's margins -0.4, 20 and 20 keep their order; the reference's -0.4, 10 and 0 are -0.4, 0 and 10.
        let slope = |gap: f64| 0.1 * logistic(-0.1 * gap) / 3.0;
        let pushes = [vec![slope(0.0); 1], vec![slope(20.0); 10], vec![slope(10.0); 7]].concat();
        three_pairs().check_gradient(&AOT, &[("beta", 0.1)], SideTag::Rejected, &pushes);
    }
    #[test]
    fn a_single_pair_is_dpo_s() {
        start().check(&AOT, &[], std::f64::consts::LN_2);
        start().check_gradient(&AOT, &[], SideTag::Chosen, &[-0.05, -0.05]);
    }
}

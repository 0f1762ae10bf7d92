//! Alignment via Optimal Transport without pairs, arXiv:2406.05882.
//!
//! With the log-ratios `h(y) = log(pi(y | x) / pi_ref(y | x))`, those of the chosen and those of the rejected responses
//! each sorted over the batch, `d_i = beta [h(w)_(i) - h(l)_(i)]` between values of equal rank:
//!
//! ```text
//! L = - mean over ranks of (1 - e) log sigmoid(d_i) + e log sigmoid(-d_i)
//! ```
//!
//! Which responses belong to one prompt plays no part: the chosen ones' distribution is to dominate the rejected ones'.
//! It needs the whole batch, and so two passes. `e` is `label_smoothing`.

crate::prelude!();
use crate::aot::Aot;
use crate::ipo::log_ratio;

/// Alignment via Optimal Transport without pairs: raises the chosen log-ratios over the rejected ones, rank by rank.
#[algorithm(paper = "arXiv:2406.05882")]
pub fn aot_unpaired(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Aot) -> Scalar<Loss> {
    let chosen = log_ratio(actor, reference, pair.chosen);
    let rejected = log_ratio(actor, reference, pair.rejected);
    report_rewards(hp.beta * chosen, hp.beta * rejected);
    let gap = hp.beta * (sorted(chosen) - sorted(rejected));
    let right = (1.0 - hp.label_smoothing) * log_sigmoid(gap);
    let wrong = hp.label_smoothing * log_sigmoid(-gap);
    -(right + wrong).mean(Prompt)
}

/// TRL's `loss_type="aot_unpaired"`: the same formula.
#[algorithm(
    paper = "arXiv:2406.05882",
    preset = "aot_unpaired@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type aot_unpaired"
)]
pub fn aot_unpaired_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Aot) -> Scalar<Loss> {
    aot_unpaired(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::AOT_UNPAIRED;
    use crate::eval::logistic;
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&AOT_UNPAIRED, &[("beta", 0.1)], 0.377_016_213);
    }
    #[test]
    fn a_response_is_pushed_by_the_gap_of_its_rank() {
        // Chosen 0, 0.1 and -0.9 are second, third and first; rejected 0, -9.9 and -20.9 third, second and first.
        let slope = |gap: f64| 0.1 * logistic(-0.1 * gap) / 3.0;
        let pushes = [vec![-slope(9.9); 4], vec![-slope(0.1); 5], vec![-slope(20.0); 2]].concat();
        three_pairs().check_gradient(&AOT_UNPAIRED, &[("beta", 0.1)], SideTag::Chosen, &pushes);
    }
    #[test]
    fn a_single_pair_is_dpo_s() {
        start().check(&AOT_UNPAIRED, &[], std::f64::consts::LN_2);
        start().check_gradient(&AOT_UNPAIRED, &[], SideTag::Chosen, &[-0.05, -0.05]);
    }
}

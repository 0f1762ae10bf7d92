//! Binary Classifier Optimization on pairs, without the shift of arXiv:2404.04656.
//!
//! With the implicit reward `r(y) = beta log(pi(y | x) / pi_ref(y | x))`:
//!
//! ```text
//! L = - mean over pairs of log sigmoid(r(w)) + log sigmoid(-r(l))
//! ```
//!
//! A classifier of chosen against rejected responses whose logit is the reward. The paper takes a running mean of
//! all rewards off first; that is the algorithm `bco`, on single responses.

crate::prelude!();
use crate::dpo::implicit;

/// Hyper-parameters of [`bco_pair`].
#[derive(Hyper)]
pub struct BcoPair {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// Binary Classifier Optimization on pairs: the reward tells chosen from rejected responses.
#[algorithm(paper = "arXiv:2404.04656")]
pub fn bco_pair(actor: &Actor, reference: &Reference, pair: &Pair, hp: &BcoPair) -> Scalar<Loss> {
    let chosen = implicit(actor, reference, pair.chosen, hp.beta);
    let rejected = implicit(actor, reference, pair.rejected, hp.beta);
    report_rewards(chosen, rejected);
    -(log_sigmoid(chosen) + log_sigmoid(-rejected)).mean(Prompt)
}

/// TRL's `loss_type="bco_pair"`: the same formula, without the shift of its own `BCOTrainer`.
#[algorithm(
    paper = "arXiv:2404.04656",
    preset = "bco_pair@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type bco_pair"
)]
pub fn bco_pair_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &BcoPair) -> Scalar<Loss> {
    bco_pair(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::BCO_PAIR;
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&BCO_PAIR, &[("beta", 0.1)], 1.082_063_231);
    }
    #[test]
    fn at_the_start_both_sides_are_pushed_by_half_of_beta() {
        start().check_gradient(&BCO_PAIR, &[], SideTag::Chosen, &[-0.05, -0.05]);
        start().check_gradient(&BCO_PAIR, &[], SideTag::Rejected, &[0.05]);
    }
}

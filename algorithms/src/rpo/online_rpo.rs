//! Online Reward-aware Preference Optimization, arXiv:2502.00203; with its settings arXiv:2505.00949, section 6.2.
//!
//! Responses are drawn from the model as it is and scored by a reward model: the loss on the best and the worst of each
//! prompt is that of `rpo_bwd`. On all K of them it is that of `rpo_bwd_k` or `rpo_sqloo`.
//!
//! ```text
//! L = mean over pairs of KL(sigmoid(eta [s(w) - s(l)]) || sigmoid(r(w) - r(l))),   r(y) = beta log(pi(y | x) / pi_ref(y | x))
//! ```

crate::prelude!();
use super::rpo_bwd::{RpoBwd, rpo_bwd};

/// Online RPO: backward-KL RPO on pairs that the model has just drawn and a reward model has scored.
#[algorithm(paper = "arXiv:2502.00203", online)]
pub fn online_rpo(actor: &Actor, reference: &Reference, pair: &ScoredPair, hp: &RpoBwd) -> Scalar<Loss> {
    rpo_bwd(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::ONLINE_RPO;
    use crate::given::three_pairs;

    #[test]
    fn three_pairs_cost_what_they_cost_rpo_bwd() {
        three_pairs().check(&ONLINE_RPO, &[("beta", 0.1), ("eta", 1.0)], 0.282_632_821);
    }
}

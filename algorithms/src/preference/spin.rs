//! Self-Play Fine-Tuning, SPIN, arXiv:2401.01335.
//!
//! With the policy `pi_t` of the iteration before, a demonstration `w` and a response `l` that `pi_t` itself has
//! written to the same prompt (equation 4.7 with the logistic loss; the paper's lambda is `beta`):
//!
//! ```text
//! r(y) = beta log(pi(y | x) / pi_t(y | x))
//! L    = - mean over pairs of log sigmoid(r(w) - r(l))
//! ```
//!
//! DPO's formula with another reference, one that follows: an iteration ends when the policy can no longer be told
//! from the demonstrations. The data of each iteration are pairs of demonstration and own response.

crate::prelude!();
use crate::dpo::margin;

/// Hyper-parameters of [`spin`].
#[derive(Hyper)]
pub struct Spin {
    /// How strongly the policy is held to the one of the iteration before.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// Self-Play Fine-Tuning: raises demonstrations over what the policy of the iteration before wrote itself.
#[algorithm(paper = "arXiv:2401.01335", online)]
pub fn spin(actor: &Actor, previous: &Previous, pair: &Pair, hp: &Spin) -> Scalar<Loss> {
    -log_sigmoid(margin(actor, previous, pair.chosen, pair.rejected, hp.beta)).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::SPIN;
    use crate::given::Given;
    use crate::ir::SideTag;

    #[test]
    fn it_is_dpo_against_the_policy_of_the_iteration_before() {
        let pair = Given::pair(("actor", &[-1.0, -1.0]), ("actor", &[-5.0]))
            .also(("previous", &[-3.0, -3.0]), ("previous", &[-1.0]));
        pair.check(&SPIN, &[("beta", 0.1)], 0.371_100_665_9);
        let slope = 0.1 * crate::eval::logistic(-0.8);
        pair.check_gradient(&SPIN, &[], SideTag::Chosen, &[-slope, -slope]);
        pair.check_gradient(&SPIN, &[], SideTag::Rejected, &[slope]);
    }
}

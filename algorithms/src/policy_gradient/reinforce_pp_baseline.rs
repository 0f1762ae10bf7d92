//! REINFORCE++-baseline, arXiv:2501.03262, section 3.3.
//!
//! For several responses to a prompt: each score less the group's mean, then whitened over all tokens of the batch, not
//! divided by the group's own deviation. The divergence from the reference is a term of the loss, estimated by k2, half
//! the squared log-ratio, whose gradient is right:
//!
//! ```text
//! A = (s - group mean s) whitened over the batch's tokens
//! L = (1 / number of tokens) sum over all tokens of
//!       - min(rho_t A, clip(rho_t, 1 - epsilon, 1 + epsilon) A) + beta k2_t
//! ```

crate::prelude!();
use super::ratio::{clipped_by_token, token_ratio};

/// Hyper-parameters of [`reinforce_pp_baseline`].
#[derive(Hyper)]
pub struct ReinforcePpBaseline {
    /// The price of drifting from the reference.
    #[hyper(default = 0.01, at_least = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How far the ratio may move from 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
}

/// REINFORCE++ with the group's mean as baseline: whitened over the batch, not over the group.
#[algorithm(paper = "arXiv:2501.03262")]
pub fn reinforce_pp_baseline(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    hp: &ReinforcePpBaseline,
) -> Scalar<Loss> {
    let to_come = returns(at_last(group.score), 1.0);
    let advantage = whiten(to_come - group_mean(group.score));
    let rho = token_ratio(actor, behavior, group.response);
    let drift = k2(actor.logp(group.response), reference.logp(group.response));
    (-clipped_by_token(rho, advantage, hp.epsilon) + hp.beta * drift).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::REINFORCE_PP_BASELINE;
    use crate::given::two_groups;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        two_groups().check_samples(
            &REINFORCE_PP_BASELINE,
            &[],
            0.062_073_988_193,
            &[
                -0.000_111_111_111,
                -0.095_618_500_822,
                -0.000_222_222_222,
                0.043_026_040_814,
                0.057_518_016_101,
                0.038_852_181_428,
                0.242_655_260_305,
                -0.100_023_550_638,
                -0.109_841_395_648,
            ],
        );
    }
}

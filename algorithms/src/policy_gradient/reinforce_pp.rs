//! REINFORCE++, arXiv:2501.03262, equations 6 to 8.
//!
//! PPO without a critic. Each token is paid the price of its drift from the reference, the last one also the score; what
//! is still to come at a token, less the mean over all tokens of the batch and in its standard deviations, is the
//! token's advantage:
//!
//! ```text
//! r_t = [t is the last] s(y) - beta log(pi_old(y_t) / pi_ref(y_t)),   G_t = r_t + gamma G_{t+1}
//! A_t = (G_t - mean G) / std G
//! L   = - (1 / number of tokens) sum over all tokens of min(rho_t A_t, clip(rho_t, 1 - epsilon, 1 + epsilon) A_t)
//! ```
//!
//! Whitening looks at the whole batch.

crate::prelude!();
use super::ratio::{clipped_by_token, token_ratio};

/// Hyper-parameters of [`reinforce_pp`].
#[derive(Hyper)]
pub struct ReinforcePp {
    /// The price of drifting from the reference.
    #[hyper(default = 0.01, at_least = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// What a later reward counts for, a token ahead.
    #[hyper(default = 1.0, above = 0.0, at_most = 1.0)]
    pub gamma: Param,
    /// How far the ratio may move from 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
}

/// The score at the last token less the price of each token's drift, as the policy that drew the response had it.
#[reward]
pub fn token_reward(
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    price: Param,
) -> PerToken<Reward, Sample, NoGrad> {
    let drift = k1(behavior.logp(group.response), reference.logp(group.response));
    at_last(group.score) - price * drift
}

/// REINFORCE++: raises tokens after which more came than on average in the batch, within a trust region.
#[algorithm(paper = "arXiv:2501.03262")]
pub fn reinforce_pp(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    hp: &ReinforcePp,
) -> Scalar<Loss> {
    let to_come = returns(token_reward(behavior, reference, group, hp.beta), hp.gamma);
    let advantage = whiten(to_come - to_come.batch_mean().as_baseline());
    let rho = token_ratio(actor, behavior, group.response);
    -clipped_by_token(rho, advantage, hp.epsilon).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::REINFORCE_PP;
    use crate::given::two_groups;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        two_groups().check_samples(
            &REINFORCE_PP,
            &[],
            0.081_222_557_878,
            &[
                0.0,
                -0.123_547_216_006,
                0.0,
                0.000_101_555_069,
                0.0,
                0.000_298_645_186,
                0.339_668_291_028,
                -0.020_790_299_458,
                -0.022_519_836_529,
            ],
        );
    }
}

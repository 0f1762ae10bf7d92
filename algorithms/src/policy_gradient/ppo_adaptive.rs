//! PPO with an adaptive price of drifting, arXiv:1909.08593, section 2.2.
//!
//! All is as in `ppo`, but the price is carried from step to step: it rises while the policy has drifted further from the
//! reference than `kl_target`, and falls while it has drifted less. With KL the mean over responses of the sum over tokens
//! of `log(pi_old / pi_ref)`:
//!
//! ```text
//! e = clip(KL / kl_target - 1, -0.2, 0.2),   kl_coef of the next step = kl_coef (1 + kl_gain e)
//! ```
//!
//! TRL and verl write `kl_gain` as the number of responses drawn over a `horizon`; the paper's is 0.1.

crate::prelude!();
use super::ppo::value_loss;
use super::ratio::{clipped_by_token, token_ratio};

/// Hyper-parameters of [`ppo_adaptive`].
#[derive(Hyper)]
pub struct PpoAdaptive {
    /// The price of drifting from the reference at the first step.
    #[hyper(default = 0.05, above = 0.0, at_most = 10.0)]
    pub kl_coef: Param,
    /// How far a response should drift from the reference.
    #[hyper(default = 6.0, above = 0.0, at_most = 1e6)]
    pub kl_target: Param,
    /// How fast the price follows.
    #[hyper(default = 0.1, at_least = 0.0, at_most = 1.0)]
    pub kl_gain: Param,
    /// What a later reward counts for, a token ahead.
    #[hyper(default = 1.0, above = 0.0, at_most = 1.0)]
    pub gamma: Param,
    /// How far ahead the advantage looks past the critic: 0 one token, 1 to the end.
    #[hyper(default = 0.95, at_least = 0.0, at_most = 1.0)]
    pub lam: Param,
    /// How far the ratio may move from 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub cliprange: Param,
    /// How far the critic may move from what it predicted when the response was drawn, and still gain.
    #[hyper(default = 0.2, above = 0.0, at_most = 1e6)]
    pub cliprange_value: Param,
    /// How much the critic's loss counts.
    #[hyper(default = 0.1, above = 0.0, at_most = 100.0)]
    pub vf_coef: Param,
}

/// Proximal Policy Optimization that keeps its own distance from the reference.
#[algorithm(paper = "arXiv:1909.08593")]
pub fn ppo_adaptive(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    critic: &Critic,
    group: &Group,
    hp: &PpoAdaptive,
) -> Scalar<Loss> {
    let price = state::<Weight>("kl_coef", hp.kl_coef);
    let drift = k1(behavior.logp(group.response), reference.logp(group.response));
    let too_far = drift.sum(Token).batch_mean().as_weight() / hp.kl_target - 1.0;
    price.update(price * (1.0 + hp.kl_gain * too_far.clamp(-0.2, 0.2)));
    let (advantage, target) = gae(at_last(group.score) - price * drift, group.value, hp.gamma, hp.lam);
    let rho = token_ratio(actor, behavior, group.response);
    let gain = clipped_by_token(rho, whiten(advantage), hp.cliprange);
    -gain.batch_mean() + hp.vf_coef * value_loss(critic, group, target, hp.cliprange_value).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::PPO_ADAPTIVE;
    use crate::given::two_groups;

    #[test]
    fn the_first_step_costs_and_pushes_as_ppo_does() {
        two_groups().check_samples(
            &PPO_ADAPTIVE,
            &[],
            0.095_855_029_866,
            &[
                0.0,
                -0.143_313_983_591,
                -0.015_797_642_904,
                0.080_705_447_979,
                0.067_424_962_667,
                0.024_815_178_976,
                0.230_365_270_409,
                -0.027_377_435_159,
                0.080_895_938_146,
            ],
        );
    }
    #[test]
    fn the_price_is_that_of_the_state() {
        let later = two_groups().state("kl_coef", 0.4);
        later.check_samples(
            &PPO_ADAPTIVE,
            &[],
            0.062_570_075_051,
            &[
                0.0,
                -0.129_814_656_752,
                -0.007_685_076_119,
                0.089_990_749_898,
                0.036_247_546_573,
                0.039_991_679_031,
                0.193_191_185_371,
                -0.034_877_478_11,
                0.101_065_829_724,
            ],
        );
    }
    #[test]
    fn the_price_rises_with_a_policy_that_is_too_far_and_falls_with_one_that_is_near() {
        // The drifts are .1, .3, .2, -.2, .1: .1 on average.
        for (target, price) in [(0.095, 0.05 * (1.0 + 0.1 / 19.0)), (0.01, 0.05 * 1.02), (6.0, 0.05 * 0.98)] {
            two_groups().check_next(&PPO_ADAPTIVE, &[("kl_target", target)], "kl_coef", price);
        }
    }
}

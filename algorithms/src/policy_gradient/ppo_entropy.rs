//! PPO with an entropy bonus, arXiv:1707.06347, equation 9.
//!
//! All is as in `ppo`, and the policy is paid for being undecided, so that it goes on trying:
//!
//! ```text
//! L = L of ppo - entropy_coef mean over all tokens of - sum over all words v of pi(v) log pi(v)
//! ```
//!
//! The entropy is exact, over the whole vocabulary at each token.

crate::prelude!();
use super::ppo::value_loss;
use super::ratio::{clipped_by_token, token_ratio};
use super::reinforce_pp::token_reward;

/// Hyper-parameters of [`ppo_entropy`].
#[derive(Hyper)]
pub struct PpoEntropy {
    /// The price of drifting from the reference.
    #[hyper(default = 0.05, at_least = 0.0, at_most = 10.0)]
    pub kl_coef: Param,
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
    /// What being undecided is worth.
    #[hyper(default = 0.01, at_least = 0.0, at_most = 10.0)]
    pub entropy_coef: Param,
}

/// Proximal Policy Optimization with a bonus for trying.
#[algorithm(paper = "arXiv:1707.06347")]
pub fn ppo_entropy(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    critic: &Critic,
    group: &Group,
    hp: &PpoEntropy,
) -> Scalar<Loss> {
    let reward = token_reward(behavior, reference, group, hp.kl_coef);
    let (advantage, target) = gae(reward, group.value, hp.gamma, hp.lam);
    let rho = token_ratio(actor, behavior, group.response);
    let gain = clipped_by_token(rho, whiten(advantage), hp.cliprange);
    let undecided = entropy(actor.words(group.response)).batch_mean();
    report("entropy", undecided);
    -gain.batch_mean() + hp.vf_coef * value_loss(critic, group, target, hp.cliprange_value).batch_mean()
        - hp.entropy_coef * undecided
}

#[cfg(test)]
mod tests {
    use super::PPO_ENTROPY;
    use crate::given::two_groups;
    use crate::ir::SideTag;

    #[test]
    fn a_word_drawn_evenly_from_four_is_worth_the_logarithm_of_four() {
        let even = two_groups().words("actor", SideTag::Sample, &[&[0.25; 4][..]; 9]);
        let ppo = 0.095_855_029_866;
        even.check_samples(
            &PPO_ENTROPY,
            &[("entropy_coef", 0.5)],
            ppo - 0.5 * 4.0_f64.ln(),
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
        // By each word's log-probability: entropy_coef p (1 + ln p) / 9.
        let slope = 0.5 * 0.25 * (1.0 - 4.0_f64.ln()) / 9.0;
        even.check_gradient_by(
            &PPO_ENTROPY,
            &[("entropy_coef", 0.5)],
            ("actor", "words", SideTag::Sample),
            &[slope; 36],
        );
    }
}

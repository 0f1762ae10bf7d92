//! Group Sequence Policy Optimization, arXiv:2507.18071, equations 5 and 7.
//!
//! Ratio and clipping of whole responses. With `rho = (pi(y | x) / pi_old(y | x))^(1 / |y|)`:
//!
//! ```text
//! A = (s - mean s) / std s
//! L = - mean over prompts of the mean over their responses of min(rho A, clip(rho, 1 - epsilon, 1 + epsilon_high) A)
//! ```
//!
//! The band is a thousand times narrower than GRPO's: a mean of log-ratios hardly moves.

crate::prelude!();
use super::advantage::standardised;
use super::ratio::mean_ratio;

/// Hyper-parameters of [`gspo`].
#[derive(Hyper)]
pub struct Gspo {
    /// How far the ratio may fall below 1 and still gain.
    #[hyper(default = 3e-4, above = 0.0, below = 1.0)]
    pub epsilon: Param,
    /// How far the ratio may rise above 1 and still gain.
    #[hyper(default = 4e-4, above = 0.0, at_most = 10.0)]
    pub epsilon_high: Param,
}

/// Group Sequence Policy Optimization: GRPO with the ratio of the whole response.
#[algorithm(paper = "arXiv:2507.18071")]
pub fn gspo(actor: &Actor, behavior: &Behavior, group: &Group, hp: &Gspo) -> Scalar<Loss> {
    let advantage = standardised(group.score, 1e-4);
    let rho = mean_ratio(actor, behavior, group.response);
    let gain = min(rho * advantage, rho.clamp(1.0 - hp.epsilon, 1.0 + hp.epsilon_high) * advantage);
    -gain.mean(Response).mean(Prompt)
}

/// Hyper-parameters of [`gspo_trl`].
#[derive(Hyper)]
pub struct GspoTrl {
    /// The price of drifting from the reference.
    #[hyper(default = 0.0, at_least = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How far the ratio may fall below 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
    /// How far the ratio may rise above 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, at_most = 10.0)]
    pub epsilon_high: Param,
}

/// TRL's GSPO (`importance_sampling_level="sequence"`, `loss_type="grpo"`): GRPO's wide band unless another is set, and a
/// price of drifting may be.
#[algorithm(paper = "arXiv:2507.18071", preset = "gspo@trl", source = "TRL, trl/trainer/grpo_trainer.py, f2cd5771")]
pub fn gspo_trl(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    hp: &GspoTrl,
) -> Scalar<Loss> {
    let advantage = standardised(group.score, 1e-4);
    let rho = mean_ratio(actor, behavior, group.response);
    let gain = min(rho * advantage, rho.clamp(1.0 - hp.epsilon, 1.0 + hp.epsilon_high) * advantage);
    let drift = k3(actor.logp(group.response), reference.logp(group.response)).mean(Token);
    (-gain + hp.beta * drift).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::two_groups;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        two_groups().check_samples(
            &GSPO,
            &[],
            0.096_956_949_717,
            &[
                0.0,
                0.0,
                0.0,
                0.007_864_239_941,
                0.007_864_239_941,
                0.007_864_239_941,
                0.263_685_939_263,
                -0.084_066_789_03,
                -0.084_066_789_03,
            ],
        );
    }
}

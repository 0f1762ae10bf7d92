//! GRPO Done Right, arXiv:2503.20783, section 3.2.
//!
//! The score less the group's mean, not in standard deviations, and a sum over tokens divided by a constant, not by the
//! response's length: neither hard prompts nor long wrong responses are favoured. With `rho` the ratio of a token's
//! probability to that of the policy that drew it:
//!
//! ```text
//! A = s - mean s
//! L = - mean over prompts of the mean over their responses of
//!       (1 / max_completion_length) sum_t min(rho_t A, clip(rho_t, 1 - epsilon, 1 + epsilon) A)
//! ```

crate::prelude!();
use super::grpo::k3_verl;
use super::ratio::{clipped, token_ratio};

/// Hyper-parameters of [`dr_grpo`].
#[derive(Hyper)]
pub struct DrGrpo {
    /// How far the ratio may move from 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
    /// The number of tokens a response may have: what every sum is divided by.
    #[hyper(default = 256.0, at_least = 1.0, at_most = 1e6)]
    pub max_completion_length: Param,
}

/// GRPO without its two biases: no standard deviation, no division by the response's length.
#[algorithm(paper = "arXiv:2503.20783")]
pub fn dr_grpo(actor: &Actor, behavior: &Behavior, group: &Group, hp: &DrGrpo) -> Scalar<Loss> {
    let advantage = group.score - group_mean(group.score);
    let rho = token_ratio(actor, behavior, group.response);
    let gain = clipped(rho, advantage, hp.epsilon, hp.epsilon).sum(Token) / hp.max_completion_length;
    -gain.mean(Response).mean(Prompt)
}

/// Hyper-parameters of [`dr_grpo_trl`].
#[derive(Hyper)]
pub struct DrGrpoTrl {
    /// The price of drifting from the reference.
    #[hyper(default = 0.0, at_least = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How far the ratio may fall below 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
    /// How far the ratio may rise above 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, at_most = 10.0)]
    pub epsilon_high: Param,
    /// The number of tokens a response may have: what every sum is divided by.
    #[hyper(default = 256.0, at_least = 1.0, at_most = 1e6)]
    pub max_completion_length: Param,
}

/// TRL's Dr. GRPO (`loss_type="dr_grpo"`, `scale_rewards="none"`): a price of drifting may be set.
#[algorithm(paper = "arXiv:2503.20783", preset = "dr_grpo@trl", source = "TRL, trl/trainer/grpo_trainer.py, f2cd5771")]
pub fn dr_grpo_trl(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    hp: &DrGrpoTrl,
) -> Scalar<Loss> {
    let advantage = group.score - group_mean(group.score);
    let rho = token_ratio(actor, behavior, group.response);
    let drift = k3(actor.logp(group.response), reference.logp(group.response));
    let loss = -clipped(rho, advantage, hp.epsilon, hp.epsilon_high) + hp.beta * drift;
    (loss.sum(Token) / hp.max_completion_length).batch_mean()
}

/// Hyper-parameters of [`dr_grpo_verl`].
#[derive(Hyper)]
pub struct DrGrpoVerl {
    /// The price of drifting from the reference.
    #[hyper(default = 0.001, at_least = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How far the ratio may move from 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
    /// How many times its advantage a token may cost.
    #[hyper(default = 3.0, above = 1.0, at_most = 1e6)]
    pub dual_clip: Param,
    /// What every sum over tokens is divided by.
    #[hyper(default = 256.0, above = 0.0, at_most = 1e6)]
    pub loss_scale_factor: Param,
}

/// verl's Dr. GRPO (`seq-mean-token-sum-norm` without deviation): dual clipping and k3 held within limits. verl divides by
/// the width of the padded batch unless `loss_scale_factor` is set; here it always is, since no batch is padded.
#[algorithm(
    paper = "arXiv:2503.20783",
    preset = "dr_grpo@verl",
    source = "verl, verl/trainer/ppo/core_algos.py, 1dda039b"
)]
pub fn dr_grpo_verl(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    hp: &DrGrpoVerl,
) -> Scalar<Loss> {
    let advantage = group.score - group_mean(group.score);
    let rho = token_ratio(actor, behavior, group.response);
    let gain = clipped(rho, advantage, hp.epsilon, hp.epsilon);
    let gain = when_negative(advantage, max(gain, hp.dual_clip * advantage), gain);
    let loss = -gain + hp.beta * k3_verl(actor, reference, group.response);
    (loss.sum(Token) / hp.loss_scale_factor).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::two_groups;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        let settings = [("max_completion_length", 4.0)];
        two_groups().check_samples(
            &DR_GRPO,
            &settings,
            -0.036_375_098_704,
            &[
                0.0,
                -0.020_107_498_179,
                0.0,
                0.002_777_777_778,
                0.003_749_607_799,
                0.002_513_437_272,
                0.051_281_473_981,
                -0.031_103_786_245,
                -0.034_375,
            ],
        );
    }
}

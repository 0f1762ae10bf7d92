//! Group Relative Policy Optimization, arXiv:2402.03300, equation 3, with the divergence of equation 4.
//!
//! Advantages are in standard deviations of the group. With `rho` the ratio of a token's probability to that of the
//! policy that drew it, and k3 the estimate `pi_ref / pi - log(pi_ref / pi) - 1` of the divergence from the reference:
//!
//! ```text
//! A = (s - mean s) / std s
//! L = mean over prompts of the mean over their responses of the mean over their tokens of
//!       - min(rho_t A, clip(rho_t, 1 - epsilon, 1 + epsilon) A) + beta k3_t
//! ```
//!
//! The deviation divides by n - 1, and 1e-4 is added to it so that a group with equal scores has advantages of zero;
//! the paper leaves both open.

crate::prelude!();
use super::advantage::{group_size, standardised};
use super::ratio::{clipped, token_ratio};

/// Hyper-parameters of [`grpo`].
#[derive(Hyper)]
pub struct Grpo {
    /// The price of drifting from the reference.
    #[hyper(default = 0.04, at_least = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How far the ratio may move from 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
}

/// Group Relative Policy Optimization: raises the tokens of responses better than their group, within a trust region.
#[algorithm(paper = "arXiv:2402.03300")]
pub fn grpo(actor: &Actor, behavior: &Behavior, reference: &Reference, group: &Group, hp: &Grpo) -> Scalar<Loss> {
    let rho = token_ratio(actor, behavior, group.response);
    let gain = clipped(rho, standardised(group.score, 1e-4), hp.epsilon, hp.epsilon);
    let drift = k3(actor.logp(group.response), reference.logp(group.response));
    (-gain + hp.beta * drift).mean(Token).mean(Response).mean(Prompt)
}

/// Hyper-parameters of [`grpo_trl`] and [`bnpo_trl`].
#[derive(Hyper)]
pub struct GrpoTrl {
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

/// The terms of TRL's losses of the GRPO family, token by token: the limited gain and the price of drifting.
#[loss]
pub fn trl_terms(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    y: Reply,
    advantage: PerResponse<Advantage, Sample, NoGrad>,
    hp: &GrpoTrl,
) -> PerToken<Loss> {
    let rho = token_ratio(actor, behavior, y);
    let drift = k3(actor.logp(y), reference.logp(y));
    -clipped(rho, advantage, hp.epsilon, hp.epsilon_high) + hp.beta * drift
}

/// TRL's GRPO (`loss_type="grpo"`): no price of drifting unless one is set, and the mean over all responses of the batch.
#[algorithm(paper = "arXiv:2402.03300", preset = "grpo@trl", source = "TRL, trl/trainer/grpo_trainer.py, f2cd5771")]
pub fn grpo_trl(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    hp: &GrpoTrl,
) -> Scalar<Loss> {
    let advantage = standardised(group.score, 1e-4);
    trl_terms(actor, behavior, reference, group.response, advantage, hp).mean(Token).batch_mean()
}

/// TRL's `loss_type="bnpo"`: GRPO with the mean over all tokens. TRL takes it over each micro-batch; here it is over the
/// whole batch, so that it does not depend on how the batch is cut.
#[algorithm(paper = "arXiv:2402.03300", preset = "bnpo@trl", source = "TRL, trl/trainer/grpo_trainer.py, f2cd5771")]
pub fn bnpo_trl(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    hp: &GrpoTrl,
) -> Scalar<Loss> {
    let advantage = standardised(group.score, 1e-4);
    trl_terms(actor, behavior, reference, group.response, advantage, hp).batch_mean()
}

/// Hyper-parameters of [`grpo_verl`].
#[derive(Hyper)]
pub struct GrpoVerl {
    /// The price of drifting from the reference.
    #[hyper(default = 0.001, at_least = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How far the ratio may fall below 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
    /// How far the ratio may rise above 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, at_most = 10.0)]
    pub epsilon_high: Param,
    /// How many times its advantage a token may cost.
    #[hyper(default = 3.0, above = 1.0, at_most = 1e6)]
    pub dual_clip: Param,
}

/// k3 with the log-ratio held between -20 and 20 and the estimate between -10 and 10.
#[loss]
pub fn k3_verl(actor: &Actor, reference: &Reference, y: Reply) -> PerToken<Kl> {
    let back = (reference.logp(y) - actor.logp(y)).clamp(-20.0, 20.0);
    (back.exp() - 1.0 - back).clamp(-10.0, 10.0)
}

/// The terms of verl's losses of the GRPO family, token by token: the gain limited on three sides and the price of
/// drifting.
#[loss]
pub fn verl_terms(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    y: Reply,
    advantage: PerResponse<Advantage, Sample, NoGrad>,
    hp: &GrpoVerl,
) -> PerToken<Loss> {
    let gain = clipped(token_ratio(actor, behavior, y), advantage, hp.epsilon, hp.epsilon_high);
    let gain = when_negative(advantage, max(gain, hp.dual_clip * advantage), gain);
    -gain + hp.beta * k3_verl(actor, reference, y)
}

/// verl's GRPO: the mean over all tokens, dual clipping, k3 held within limits, 1e-6 added to the deviation, and the
/// bare score as advantage where a prompt has one response only.
#[algorithm(
    paper = "arXiv:2402.03300",
    preset = "grpo@verl",
    source = "verl, verl/trainer/ppo/core_algos.py, 1dda039b"
)]
pub fn grpo_verl(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    hp: &GrpoVerl,
) -> Scalar<Loss> {
    let others = group_size(group.response) - 1.0;
    let alone = group.score.treat_as::<Advantage>("verl compares a response without others with nothing");
    let advantage = choose(others, standardised(group.score, 1e-6), alone);
    verl_terms(actor, behavior, reference, group.response, advantage, hp).batch_mean()
}

/// Hyper-parameters of [`grpo_openrlhf`] and [`grpo_nemo_rl`].
#[derive(Hyper)]
pub struct GrpoPeers {
    /// The price of drifting from the reference.
    #[hyper(default = 0.01, at_least = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How far the ratio may fall below 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
    /// How far the ratio may rise above 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, at_most = 10.0)]
    pub epsilon_high: Param,
}

/// OpenRLHF's GRPO (`group_norm` with `k3`): the mean over all tokens, k3 held between -10 and 10, and 1e-9 added to the
/// deviation, less than the rounding of equal scores in f32.
#[algorithm(
    paper = "arXiv:2402.03300",
    preset = "grpo@openrlhf",
    source = "OpenRLHF, openrlhf/trainer/ppo_utils/experience_maker.py and openrlhf/models/utils.py, 3c3be623"
)]
pub fn grpo_openrlhf(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    hp: &GrpoPeers,
) -> Scalar<Loss> {
    let rho = token_ratio(actor, behavior, group.response);
    let gain = clipped(rho, standardised(group.score, 1e-9), hp.epsilon, hp.epsilon_high);
    let drift = k3(actor.logp(group.response), reference.logp(group.response)).clamp(-10.0, 10.0);
    (-gain + hp.beta * drift).batch_mean()
}

/// A response's score less the mean of the others, in standard deviations of the others: neither sees the response itself.
/// Where the others are alike, but for a millionth, the difference is left as it is.
#[loss]
pub fn beside_the_others(group: &Group) -> PerResponse<Advantage, Sample, NoGrad> {
    let n = group_size(group.response);
    let advantage = (n / max(n - 1.0, 1.0)) * (group.score - group_mean(group.score));
    let spread = others_std(group.score);
    choose(spread.as_weight() - 1e-6, advantage / (spread + 1e-6), advantage)
}

/// k3 with the log-ratio held between -20 and 20 and the estimate between -10 and 10, times a factor that is 1 but whose
/// gradient is that of the log-probability: on average the gradient is then that of the divergence, which k3's is not.
#[loss]
pub fn k3_nemo_rl(actor: &Actor, reference: &Reference, y: Reply) -> PerToken<Kl> {
    let back = (reference.logp(y) - actor.logp(y)).clamp(-20.0, 20.0);
    (back.detach() - back).exp() * (back.exp() - 1.0 - back).clamp(-10.0, 10.0)
}

/// NeMo-RL's GRPO: advantages of a response beside the others alone, the mean over all tokens, and a divergence whose
/// gradient is right.
#[algorithm(
    paper = "arXiv:2402.03300",
    preset = "grpo@nemo_rl",
    source = "NeMo-RL, nemo_rl/algorithms/loss_functions.py and utils.py, 7ea279ab"
)]
pub fn grpo_nemo_rl(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    hp: &GrpoPeers,
) -> Scalar<Loss> {
    let rho = token_ratio(actor, behavior, group.response);
    let gain = clipped(rho, beside_the_others(group), hp.epsilon, hp.epsilon_high);
    (-gain + hp.beta * k3_nemo_rl(actor, reference, group.response)).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{Given, two_groups};
    use crate::ir::SideTag;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        two_groups().check_samples(
            &GRPO,
            &[],
            0.058_141_313_36,
            &[
                -0.000_350_569_727,
                -0.079_019_285_42,
                -0.001_476_018_388,
                0.007_933_010_907,
                0.009_697_267_475,
                0.007_059_755_939,
                0.265_498_631_732,
                -0.081_716_097_387,
                -0.087_081_076_576,
            ],
        );
    }
    #[test]
    fn a_response_without_others_has_its_score_as_advantage_in_verl() {
        let alone = Given::default()
            .sample(0, &[("actor", &[-1.0]), ("behavior", &[-1.0]), ("reference", &[-1.0])])
            .group("score", &[0.7]);
        alone.check_samples(&GRPO_VERL, &[], -0.7, &[-0.7]);
        alone.check_samples(&GRPO_TRL, &[], 0.0, &[0.0]);
    }
    #[test]
    fn a_group_with_equal_scores_pushes_nothing() {
        let sample = [("actor", &[-1.0][..]), ("behavior", &[-1.2][..]), ("reference", &[-1.0][..])];
        let alike = Given::default().sample(0, &sample).sample(0, &sample).group("score", &[0.7, 0.7]);
        alike.check(&GRPO, &[], 0.0);
        alike.check_gradient(&GRPO, &[], SideTag::Sample, &[0.0, 0.0]);
    }
}

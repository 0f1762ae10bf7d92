//! Proximal Policy Optimization, arXiv:1707.06347, equations 7 and 9, as used for language models: arXiv:2203.02155,
//! arXiv:2403.17031.
//!
//! Each token is paid the price of its drift from the reference, the last one also the score. A critic predicts what is
//! still to come; generalised advantage estimation (arXiv:1506.02438) compares what came with what it had predicted when
//! the response was drawn, `V_old`. With `rho` the ratio of a token's probability to that of the policy that drew it:
//!
//! ```text
//! r_t = [t is the last] s(y) - kl_coef log(pi_old(y_t) / pi_ref(y_t))
//! d_t = r_t + gamma V_old(t+1) - V_old(t),   A_t = d_t + gamma lam A_{t+1},   R_t = A_t + V_old(t)
//! L   = mean over all tokens of - min(rho_t A'_t, clip(rho_t, 1 - cliprange, 1 + cliprange) A'_t)
//!     + vf_coef 1/2 mean over all tokens of max((V_t - R_t)^2, (clip(V_t, V_old(t) - cliprange_value, V_old(t) + cliprange_value) - R_t)^2)
//! ```
//!
//! `A'` is `A` whitened over all tokens of the batch, so the batch is looked at twice if it is cut.

crate::prelude!();
use super::ratio::{clipped_by_token, token_ratio};
use super::reinforce_pp::token_reward;

/// Hyper-parameters of [`ppo`].
#[derive(Hyper)]
pub struct Ppo {
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
}

/// Half the squared error of the critic, where it has moved too far the larger of the two with the limited move.
#[loss]
pub fn value_loss(
    critic: &Critic,
    group: &Group,
    target: PerToken<Return, Sample, NoGrad>,
    range: Param,
) -> PerToken<Loss> {
    let value = critic.value(group.response);
    let near = group.value + (value - group.value).clamp(-range, range);
    0.5 * max(squared_error(value, target), squared_error(near, target))
}

/// Proximal Policy Optimization: raises tokens after which more came than the critic expected, within a trust region.
#[algorithm(paper = "arXiv:1707.06347")]
pub fn ppo(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    critic: &Critic,
    group: &Group,
    hp: &Ppo,
) -> Scalar<Loss> {
    let reward = token_reward(behavior, reference, group, hp.kl_coef);
    let (advantage, target) = gae(reward, group.value, hp.gamma, hp.lam);
    let rho = token_ratio(actor, behavior, group.response);
    let gain = clipped_by_token(rho, whiten(advantage), hp.cliprange);
    -gain.batch_mean() + hp.vf_coef * value_loss(critic, group, target, hp.cliprange_value).batch_mean()
}

/// Hyper-parameters of [`ppo_trl`].
#[derive(Hyper)]
pub struct PpoTrl {
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
    /// What a response costs that did not end by itself.
    #[hyper(default = 0.0, at_least = 0.0, at_most = 1e6)]
    pub missing_eos_penalty: Param,
}

/// TRL's PPO: a response that did not end by itself may cost something.
#[algorithm(
    paper = "arXiv:1707.06347",
    preset = "ppo@trl",
    source = "TRL, trl/experimental/ppo/ppo_trainer.py, f2cd5771"
)]
pub fn ppo_trl(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    critic: &Critic,
    group: &Group,
    hp: &PpoTrl,
) -> Scalar<Loss> {
    let score = choose(group.ended, group.score, group.score - hp.missing_eos_penalty);
    let drift = k1(behavior.logp(group.response), reference.logp(group.response));
    let (advantage, target) = gae(at_last(score) - hp.kl_coef * drift, group.value, hp.gamma, hp.lam);
    let rho = token_ratio(actor, behavior, group.response);
    let gain = clipped_by_token(rho, whiten(advantage), hp.cliprange);
    -gain.batch_mean() + hp.vf_coef * value_loss(critic, group, target, hp.cliprange_value).batch_mean()
}

/// Hyper-parameters of [`ppo_verl`].
#[derive(Hyper)]
pub struct PpoVerl {
    /// The price of drifting from the reference.
    #[hyper(default = 0.001, at_least = 0.0, at_most = 10.0)]
    pub kl_coef: Param,
    /// What a later reward counts for, a token ahead.
    #[hyper(default = 1.0, above = 0.0, at_most = 1.0)]
    pub gamma: Param,
    /// How far ahead the advantage looks past the critic: 0 one token, 1 to the end.
    #[hyper(default = 1.0, at_least = 0.0, at_most = 1.0)]
    pub lam: Param,
    /// How far the ratio may move from 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub cliprange: Param,
    /// How many times its advantage a token may cost.
    #[hyper(default = 3.0, above = 1.0, at_most = 1e6)]
    pub dual_clip: Param,
    /// How far the critic may move from what it predicted when the response was drawn, and still gain.
    #[hyper(default = 0.5, above = 0.0, at_most = 1e6)]
    pub cliprange_value: Param,
}

/// verl's PPO: dual clipping, and actor and critic each with a loss and an optimizer of their own, so the two are added
/// as they are.
#[algorithm(paper = "arXiv:1707.06347", preset = "ppo@verl", source = "verl, verl/trainer/ppo/core_algos.py, 1dda039b")]
pub fn ppo_verl(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    critic: &Critic,
    group: &Group,
    hp: &PpoVerl,
) -> Scalar<Loss> {
    let reward = token_reward(behavior, reference, group, hp.kl_coef);
    let (advantage, target) = gae(reward, group.value, hp.gamma, hp.lam);
    let (rho, advantage) = (token_ratio(actor, behavior, group.response), whiten(advantage));
    let gain = clipped_by_token(rho, advantage, hp.cliprange);
    let gain = when_negative(advantage, max(gain, hp.dual_clip * advantage), gain);
    -gain.batch_mean() + value_loss(critic, group, target, hp.cliprange_value).batch_mean()
}

/// Hyper-parameters of [`ppo_nemo_aligner`].
#[derive(Hyper)]
pub struct PpoNemoAligner {
    /// The price of drifting from the reference.
    #[hyper(default = 0.01, at_least = 0.0, at_most = 10.0)]
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
}

/// NeMo-Aligner's PPO: the drift is the size of a token's log-ratio, advantages are whitened with the deviation that divides
/// by n, and only responses that ended by themselves teach the actor. Actor and critic each have a loss and an optimizer of
/// their own, so the two are added as they are.
#[algorithm(
    paper = "arXiv:2405.01481",
    preset = "ppo@nemo_aligner",
    source = "NeMo-Aligner, megatron_gpt_ppo_actor.py and nemo_aligner/utils/ppo_utils.py, af2b3bd9"
)]
pub fn ppo_nemo_aligner(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    critic: &Critic,
    group: &Group,
    hp: &PpoNemoAligner,
) -> Scalar<Loss> {
    let drift = abs_k1(behavior.logp(group.response), reference.logp(group.response));
    let (advantage, target) = gae(at_last(group.score) - hp.kl_coef * drift, group.value, hp.gamma, hp.lam);
    let centred = advantage - advantage.batch_mean().as_baseline();
    let variance = (centred.as_weight() * centred.as_weight()).batch_mean();
    let gain = clipped_by_token(
        token_ratio(actor, behavior, group.response),
        centred / (variance + 1e-8).sqrt(),
        hp.cliprange,
    );
    let ended = (group.ended * length(group.response)).batch_mean();
    let taught = (group.ended * gain.sum(Token)).batch_mean() / ended;
    -taught + value_loss(critic, group, target, hp.cliprange_value).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::two_groups;
    use crate::ir::SideTag;

    const CRITIC: (&str, &str, SideTag) = ("critic", "value", SideTag::Sample);

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        two_groups().check_samples(
            &PPO,
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
        two_groups().check_gradient_by(
            &PPO,
            &[],
            CRITIC,
            &[
                -0.008_4,
                -0.012,
                -0.002_611_111_111,
                0.005_714_305_556,
                -0.000_008_333_333,
                -0.003_166_666_667,
                0.0,
                -0.002_786_111_111,
                0.001_833_333_333,
            ],
        );
    }
}

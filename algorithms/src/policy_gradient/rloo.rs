//! REINFORCE leave-one-out, arXiv:2402.14740, section 2.3, equation 7.
//!
//! With the reward `R(y) = s(y) - beta log(pi(y | x) / pi_ref(y | x))`, a constant, each of K responses to a prompt is
//! compared with the mean of the others:
//!
//! ```text
//! L = - mean over prompts of 1/K sum_k [R(y_k) - 1/(K-1) sum_{j != k} R(y_j)] log pi(y_k | x)
//! ```
//!
//! The action is the whole response: one ratio, one reward, one advantage. Its gradient is that of `rpo_sqloo`, up to a
//! factor.

crate::prelude!();
use super::advantage::{group_size, kl_penalised};
use super::ratio::{clipped, token_ratio};

/// Hyper-parameters of [`rloo`].
#[derive(Hyper)]
pub struct Rloo {
    /// The price of drifting from the reference.
    #[hyper(default = 0.05, at_least = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// REINFORCE leave-one-out: raises the likelihood of responses better than the others to their prompt.
#[algorithm(paper = "arXiv:2402.14740")]
pub fn rloo(actor: &Actor, reference: &Reference, group: &Group, hp: &Rloo) -> Scalar<Loss> {
    let reward = kl_penalised(actor, reference, group, hp.beta);
    let advantage = reward - leave_one_out(reward);
    -(actor.logp(group.response).sum(Token) * advantage).mean(Response).mean(Prompt)
}

/// Hyper-parameters of [`rloo_trl`].
#[derive(Hyper)]
pub struct RlooTrl {
    /// The price of drifting from the reference.
    #[hyper(default = 0.05, at_least = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How far the ratio of a whole response may move from 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
}

/// TRL's REINFORCE leave-one-out: the drift is that of the policy that drew the response, and the gain of a response is
/// limited by the ratio of its whole probability, as PPO limits that of a token.
#[algorithm(paper = "arXiv:2402.14740", preset = "rloo@trl", source = "TRL, trl/trainer/rloo_trainer.py, f2cd5771")]
pub fn rloo_trl(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    hp: &RlooTrl,
) -> Scalar<Loss> {
    let drift = (behavior.logp(group.response) - reference.logp(group.response)).sum(Token);
    let reward = group.score - hp.beta * drift;
    let advantage = reward - leave_one_out(reward);
    let rho = (actor.logp(group.response) - behavior.logp(group.response)).sum(Token).exp();
    -min(rho * advantage, rho.clamp(1.0 - hp.epsilon, 1.0 + hp.epsilon) * advantage).batch_mean()
}

/// Hyper-parameters of [`rloo_nemo_aligner`].
#[derive(Hyper)]
pub struct RlooNemoAligner {
    /// The price of drifting from the reference, a token on average.
    #[hyper(default = 0.01, at_least = 0.0, at_most = 10.0)]
    pub kl_coef: Param,
}

/// NeMo-Aligner's REINFORCE: the drift is the mean size of a token's log-ratio, a response is compared with those others
/// that ended by themselves (with itself if there are none), and every token counts alike.
///
/// NeMo-Aligner divides the sum of the others that ended by one too few where the response itself did not end; here it
/// is their mean.
#[algorithm(
    paper = "arXiv:2402.14740",
    preset = "rloo@nemo_aligner",
    source = "NeMo-Aligner, nemo_aligner/utils/ppo_utils.py, af2b3bd9"
)]
pub fn rloo_nemo_aligner(actor: &Actor, reference: &Reference, group: &Group, hp: &RlooNemoAligner) -> Scalar<Loss> {
    let logp = actor.logp(group.response);
    let drift = abs_k1(logp, reference.logp(group.response)).mean(Token).detach();
    let reward = group.score - hp.kl_coef * drift;
    let advantage = reward - mean_of_others_that_ended(group, reward);
    -(logp * advantage).batch_mean()
}

/// For each response, the mean reward of the others to its prompt that ended by themselves; its own if there are none.
#[loss]
pub fn mean_of_others_that_ended(
    group: &Group,
    reward: PerResponse<Reward, Sample, NoGrad>,
) -> PerResponse<Baseline, Sample, NoGrad> {
    let share = leave_one_out(group.ended.as_reward()).as_weight();
    let others = leave_one_out(group.ended * reward) / max(share, 1e-30);
    choose(share, others, reward.as_baseline())
}

/// Hyper-parameters of [`rloo_verl`].
#[derive(Hyper)]
pub struct RlooVerl {
    /// How far the ratio of a token may move from 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
    /// How many times its advantage a token may cost.
    #[hyper(default = 3.0, above = 1.0, at_most = 1e6)]
    pub dual_clip: Param,
}

/// verl's REINFORCE leave-one-out (`adv_estimator=rloo`): PPO's gain of each token with dual clipping, no reference unless
/// its price is in the score, and the bare score as advantage where a prompt has one response only.
#[algorithm(
    paper = "arXiv:2402.14740",
    preset = "rloo@verl",
    source = "verl, verl/trainer/ppo/core_algos.py, 1dda039b"
)]
pub fn rloo_verl(actor: &Actor, behavior: &Behavior, group: &Group, hp: &RlooVerl) -> Scalar<Loss> {
    let n = group_size(group.response);
    let beside = (n / max(n - 1.0, 1.0)) * (group.score - group_mean(group.score));
    let alone = group.score.treat_as::<Advantage>("verl compares a response without others with nothing");
    let advantage = choose(n - 1.0, beside, alone);
    let gain = clipped(token_ratio(actor, behavior, group.response), advantage, hp.epsilon, hp.epsilon);
    -when_negative(advantage, max(gain, hp.dual_clip * advantage), gain).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{Given, two_groups};
    use crate::ir::SideTag;
    use crate::rpo_sqloo::RPO_SQLOO;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        two_groups().check_samples(
            &RLOO,
            &[("beta", 0.05)],
            0.57,
            &[-0.132_5, -0.132_5, 0.112_5, 0.02, 0.02, 0.02, 0.277_5, -0.277_5, -0.277_5],
        );
    }
    /// Groups 1 and 2 of tests/unit/algorithms/test_utils.py of NVIDIA-NeMo/RL (7ea279ab), without KL: the rewards 1, 2, 3
    /// and 4, 5, 6 have the baselines 2.5, 2, 1.5 and 5.5, 5, 4.5. A loss of log-probabilities -1 is the mean advantage,
    /// which is zero, so the gradient is compared: -A / (3 * 2).
    #[test]
    fn leave_one_out_baselines_are_those_of_nemo_rl() {
        let sample = [("actor", &[-1.0][..]), ("reference", &[-1.0][..])];
        let group = (0..6).fold(Given::default(), |given, i| given.sample(i / 3, &sample));
        let group = group.group("score", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let advantages = [-1.5, 0.0, 1.5, -1.5, 0.0, 1.5];
        group.check_gradient(&RLOO, &[], SideTag::Sample, &advantages.map(|a| -a / 6.0));
    }
    /// The gradient of `rpo_sqloo` is `eta beta K^2 / (K - 1)` times that of `rloo` with KL coefficient `beta / eta`.
    #[test]
    fn four_responses_are_pushed_as_by_rpo_sqloo_but_for_a_factor() {
        let (beta, eta, k) = (0.2, 1.7, 4.0);
        let group = crate::given::four_rewards();
        let ours = group.gradient_by(&RLOO, &[("beta", beta / eta)], ("actor", "logp", SideTag::Sample));
        let factor = eta * beta * k * k / (k - 1.0);
        assert!((factor - 1.813_333_333).abs() < 1e-9);
        let theirs: Vec<f64> = ours.iter().map(|g| factor * g).collect();
        group.check_gradient(&RPO_SQLOO, &[("beta", beta), ("eta", eta)], SideTag::Sample, &theirs);
    }
}

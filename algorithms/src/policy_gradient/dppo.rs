//! Divergence Proximal Policy Optimization, arXiv:2602.04879.
//!
//! PPO's band is around the ratio of two probabilities, and so very tight for rare tokens and very wide for frequent
//! ones. DPPO asks how far the whole distribution at a token can have moved, of which the token's own probability, `p` now
//! and `q` when it was drawn, gives a lower bound (that of two outcomes, this token or another):
//!
//! ```text
//! D  = |p - q|                                                       (dppo_tv)
//! D  = q log(q / p) + (1 - q) log((1 - q) / (1 - p))                 (dppo_kl)
//! M  = 0 where A > 0, p > q and D >= epsilon;  0 where A < 0, p < q and D >= epsilon;  otherwise 1
//! L  = - (1 / number of tokens) sum over all tokens of M rho A
//! ```
//!
//! with `A` the score in standard deviations of the group. The mask is a constant.

crate::prelude!();
use super::advantage::standardised;
use super::ratio::token_ratio;

/// Hyper-parameters of [`dppo_tv`], [`dppo_kl`] and their presets.
#[derive(Hyper)]
pub struct Dppo {
    /// How far a token's distribution may move down for what is worse than the group, and still gain.
    #[hyper(default = 0.2, above = 0.0, at_most = 10.0)]
    pub epsilon: Param,
    /// How far it may move up for what is better than the group, and still gain.
    #[hyper(default = 0.2, above = 0.0, at_most = 10.0)]
    pub epsilon_high: Param,
}

/// `p - q`: by how much likelier a token has become, a constant.
#[loss]
pub fn moved(actor: &Actor, behavior: &Behavior, y: Reply) -> PerToken<Prob, Sample, NoGrad> {
    actor.logp(y).detach().exp() - behavior.logp(y).exp()
}

/// The divergence of now from when the token was drawn, of two outcomes: this token or another. A constant.
#[loss]
pub fn binary_kl(actor: &Actor, behavior: &Behavior, y: Reply) -> PerToken<Weight, Sample, NoGrad> {
    let (now, then) = (actor.logp(y).detach(), behavior.logp(y));
    let taken = then.exp() * (then - now);
    let another = then.log_complement().exp() * (then.log_complement() - now.log_complement());
    (taken + another).as_weight()
}

/// The gain of tokens whose probability has moved less than this in the direction in which it is pushed.
#[loss]
pub fn within_variation(
    gain: PerToken<Gain>,
    advantage: PerResponse<Advantage, Sample, NoGrad>,
    moved: PerToken<Prob, Sample, NoGrad>,
    hp: &Dppo,
) -> PerToken<Gain> {
    let up = choose((hp.epsilon_high - moved).as_weight(), gain, 0.0);
    let down = choose((hp.epsilon + moved).as_weight(), gain, 0.0);
    choose(advantage, up, down)
}

/// The gain of tokens that have not moved in the direction in which they are pushed, or diverge by less than this.
#[loss]
pub fn within_divergence(
    gain: PerToken<Gain>,
    advantage: PerResponse<Advantage, Sample, NoGrad>,
    moved: PerToken<Prob, Sample, NoGrad>,
    divergence: PerToken<Weight, Sample, NoGrad>,
    hp: &Dppo,
) -> PerToken<Gain> {
    let up = choose(moved.as_weight(), choose(hp.epsilon_high - divergence, gain, 0.0), gain);
    let down = choose((-moved).as_weight(), choose(hp.epsilon - divergence, gain, 0.0), gain);
    choose(advantage, up, down)
}

/// DPPO by total variation: GRPO that stops where a token's probability itself has moved far.
#[algorithm(paper = "arXiv:2602.04879")]
pub fn dppo_tv(actor: &Actor, behavior: &Behavior, group: &Group, hp: &Dppo) -> Scalar<Loss> {
    let advantage = standardised(group.score, 1e-6);
    let gain = token_ratio(actor, behavior, group.response) * advantage;
    -within_variation(gain, advantage, moved(actor, behavior, group.response), hp).batch_mean()
}

/// DPPO by divergence: GRPO that stops where a token's distribution has moved far, measured between it and all others.
#[algorithm(paper = "arXiv:2602.04879")]
pub fn dppo_kl(actor: &Actor, behavior: &Behavior, group: &Group, hp: &Dppo) -> Scalar<Loss> {
    let advantage = standardised(group.score, 1e-6);
    let gain = token_ratio(actor, behavior, group.response) * advantage;
    let (moved, divergence) = (moved(actor, behavior, group.response), binary_kl(actor, behavior, group.response));
    -within_divergence(gain, advantage, moved, divergence, hp).batch_mean()
}

/// verl's gain of a token: the log-probability, weighed by a ratio that is a constant and no more than 20.
#[loss]
pub fn weighed_by_ratio(
    actor: &Actor,
    behavior: &Behavior,
    y: Reply,
    advantage: PerResponse<Advantage, Sample, NoGrad>,
) -> PerToken<Gain> {
    let rho = (actor.logp(y) - behavior.logp(y)).clamp(-20.0, 20.0).exp();
    min(rho, 20.0).detach().as_weight() * (actor.logp(y) * advantage)
}

/// verl's `dppo_tv`: the ratio is a weight, a constant of at most 20; the gradient is that of the log-probability.
#[algorithm(
    paper = "arXiv:2602.04879",
    preset = "dppo_tv@verl",
    source = "verl, verl/trainer/ppo/core_algos.py, 1dda039b, policy loss dppo_tv"
)]
pub fn dppo_tv_verl(actor: &Actor, behavior: &Behavior, group: &Group, hp: &Dppo) -> Scalar<Loss> {
    let advantage = standardised(group.score, 1e-6);
    let gain = weighed_by_ratio(actor, behavior, group.response, advantage);
    -within_variation(gain, advantage, moved(actor, behavior, group.response), hp).batch_mean()
}

/// verl's `dppo_kl`: the ratio is a weight, a constant of at most 20, and the divergence has 1e-8 under each fraction of
/// the other tokens.
#[algorithm(
    paper = "arXiv:2602.04879",
    preset = "dppo_kl@verl",
    source = "verl, verl/trainer/ppo/core_algos.py, 1dda039b, policy loss dppo_kl"
)]
pub fn dppo_kl_verl(actor: &Actor, behavior: &Behavior, group: &Group, hp: &Dppo) -> Scalar<Loss> {
    let advantage = standardised(group.score, 1e-6);
    let gain = weighed_by_ratio(actor, behavior, group.response, advantage);
    let (now, then) = (actor.logp(group.response).detach(), behavior.logp(group.response));
    let (others_now, others_then) = (1.0 - now.exp() + 1e-8, 1.0 - then.exp() + 1e-8);
    let another = (1.0 - then.exp()) * (others_then.ln() - others_now.ln());
    let divergence = (then.exp() * (then - now) + another).as_weight();
    -within_divergence(gain, advantage, moved(actor, behavior, group.response), divergence, hp).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::Given;
    use crate::ir::SideTag;

    /// Two responses of one token, the first better: both drawn with probability 1/2.
    fn drawn(first: f64, second: f64) -> Given {
        let half = -std::f64::consts::LN_2;
        Given::default()
            .sample(0, &[("actor", &[first.ln()]), ("behavior", &[half])])
            .sample(0, &[("actor", &[second.ln()]), ("behavior", &[half])])
            .group("score", &[1.0, 0.0])
    }
    #[test]
    fn a_token_that_has_moved_far_enough_is_left_alone() {
        for algorithm in [&DPPO_TV, &DPPO_KL, &DPPO_TV_VERL, &DPPO_KL_VERL] {
            drawn(0.9, 0.1).check_gradient(algorithm, &[], SideTag::Sample, &[0.0, 0.0]);
        }
    }
    #[test]
    fn a_token_that_has_moved_the_wrong_way_is_always_pushed() {
        // Scores in deviations of the group: 0.5 / (0.5^0.5 + 1e-6), and as much below.
        let advantage = 0.5 / (0.5_f64.sqrt() + 1e-6);
        for algorithm in [&DPPO_TV, &DPPO_KL, &DPPO_TV_VERL, &DPPO_KL_VERL] {
            let (up, down) = (-0.5 * advantage * 0.2, 0.5 * advantage * 1.8);
            drawn(0.1, 0.9).check_gradient(algorithm, &[], SideTag::Sample, &[up, down]);
        }
    }
    #[test]
    fn rare_tokens_have_more_room_than_in_ppo() {
        // From 0.01 to 0.05 is five times as likely, and 0.04 of probability.
        let given = Given::default()
            .sample(0, &[("actor", &[0.05_f64.ln()]), ("behavior", &[0.01_f64.ln()])])
            .sample(0, &[("actor", &[-1.0]), ("behavior", &[-1.0])])
            .group("score", &[1.0, 0.0]);
        let advantage = 0.5 / (0.5_f64.sqrt() + 1e-6);
        given.check_gradient(&DPPO_TV, &[], SideTag::Sample, &[-0.5 * advantage * 5.0, 0.5 * advantage]);
    }
}

//! Two-sided clipping of GRPO, from INTELLECT-2, arXiv:2505.07291.
//!
//! PPO's limited gain has no floor: where the advantage is negative and a token has become much likelier, the ratio, and
//! with it the gradient, may be of any size. Here the ratio itself is held below `delta`, which is larger than
//! `1 + epsilon_high`:
//!
//! ```text
//! A = (s - mean s) / std s
//! L = mean over prompts of the mean over their responses of the mean over their tokens of
//!       - min(min(rho_t, delta) A, clip(rho_t, 1 - epsilon, 1 + epsilon_high) A)
//! ```

crate::prelude!();
use super::advantage::standardised;
use super::ratio::token_ratio;

/// Hyper-parameters of [`two_sided_grpo`].
#[derive(Hyper)]
pub struct TwoSidedGrpo {
    /// How far the ratio may fall below 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
    /// How far the ratio may rise above 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, at_most = 10.0)]
    pub epsilon_high: Param,
    /// The largest ratio.
    #[hyper(default = 4.0, above = 1.0, at_most = 1e6)]
    pub delta: Param,
}

/// The gain of a token whose ratio is limited on both sides, for advantages of both signs.
#[loss]
pub fn limited_on_both_sides(
    rho: PerToken<Ratio>,
    advantage: PerResponse<Advantage, Sample, NoGrad>,
    hp: &TwoSidedGrpo,
) -> PerToken<Gain> {
    min(min(rho, hp.delta) * advantage, rho.clamp(1.0 - hp.epsilon, 1.0 + hp.epsilon_high) * advantage)
}

/// GRPO with the ratio limited for bad responses too, so that no single token can take the step over.
#[algorithm(paper = "arXiv:2505.07291")]
pub fn two_sided_grpo(actor: &Actor, behavior: &Behavior, group: &Group, hp: &TwoSidedGrpo) -> Scalar<Loss> {
    let rho = token_ratio(actor, behavior, group.response);
    -limited_on_both_sides(rho, standardised(group.score, 1e-4), hp).mean(Token).mean(Response).mean(Prompt)
}

/// Hyper-parameters of [`two_sided_grpo_trl`].
#[derive(Hyper)]
pub struct TwoSidedGrpoTrl {
    /// The price of drifting from the reference.
    #[hyper(default = 0.0, at_least = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How far the ratio may fall below 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
    /// How far the ratio may rise above 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, at_most = 10.0)]
    pub epsilon_high: Param,
    /// The largest ratio; TRL has none unless it is set.
    #[hyper(default = 4.0, above = 1.0, at_most = 1e6)]
    pub delta: Param,
}

/// TRL's `delta` with `loss_type="grpo"`: a price of drifting may be set, and the mean is over all responses of the batch.
#[algorithm(
    paper = "arXiv:2505.07291",
    preset = "two_sided_grpo@trl",
    source = "TRL, trl/trainer/grpo_trainer.py, f2cd5771, delta"
)]
pub fn two_sided_grpo_trl(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    hp: &TwoSidedGrpoTrl,
) -> Scalar<Loss> {
    let limits = TwoSidedGrpo { epsilon: hp.epsilon, epsilon_high: hp.epsilon_high, delta: hp.delta };
    let rho = token_ratio(actor, behavior, group.response);
    let gain = limited_on_both_sides(rho, standardised(group.score, 1e-4), &limits);
    let drift = k3(actor.logp(group.response), reference.logp(group.response));
    (-gain + hp.beta * drift).mean(Token).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{Given, two_groups};
    use crate::ir::SideTag;
    use crate::policy_gradient::grpo::GRPO_TRL;

    /// Two responses of one token, the worse of which has become so many times likelier.
    fn grown(times: f64) -> Given {
        Given::default()
            .sample(0, &[("actor", &[-1.0]), ("behavior", &[-1.0])])
            .sample(0, &[("actor", &[-9.0 + times.ln()]), ("behavior", &[-9.0])])
            .group("score", &[1.0, 0.0])
    }
    #[test]
    fn what_has_grown_past_the_limit_is_left_alone() {
        let advantage = 0.5 / (0.5_f64.sqrt() + 1e-4);
        let push = |times: f64, rho: f64, slope: f64| {
            grown(times).check(&TWO_SIDED_GRPO, &[], -0.5 * (advantage - rho * advantage));
            grown(times).check_gradient(&TWO_SIDED_GRPO, &[], SideTag::Sample, &[-0.5 * advantage, slope]);
        };
        push(3.0, 3.0, 0.5 * 3.0 * advantage);
        push(1000.0, 4.0, 0.0);
    }
    #[test]
    fn without_a_limit_it_is_trls_grpo() {
        let wide = two_groups().loss(&TWO_SIDED_GRPO_TRL, &[("delta", 1e6), ("beta", 0.04)]);
        two_groups().check(&GRPO_TRL, &[("beta", 0.04)], wide);
    }
}

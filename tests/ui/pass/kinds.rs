//! Rows of the typing table that published algorithms use.
collimate::prelude!();

/// `exp(-x) - 1 + x`, never negative.
pub fn k3_by_hand(actor: &Actor, reference: &Reference, y: Reply) -> PerToken<Kl> {
    let back = reference.logp(y) - actor.logp(y);
    back.exp() - 1.0 - back
}
pub fn k1_k2(drift: PerToken<LogRatio>) -> PerToken<Kl> {
    0.5 * drift.squared() + drift.as_kl() + drift.abs()
}
pub fn clipped(ratio: PerToken<Ratio>, advantage: PerToken<Advantage, Sample, NoGrad>, clip: Param) -> PerToken<Loss> {
    -min(ratio * advantage, ratio.clamp(1.0 - clip, 1.0 + clip) * advantage)
}
pub fn drifted(reward: PerResponse<Reward, Answer>, drift: Scalar<Reward, NoGrad>, weight: PerResponse<Weight, Answer, NoGrad>) -> Scalar<Loss> {
    let kept = sigmoid(reward - max(drift.as_baseline(), 0.0));
    (weight * (1.0 - kept)).as_loss().batch_mean()
}
pub fn ranked(ours: PerResponse<Reward>, judged: PerResponse<Reward, Sample, NoGrad>) -> Scalar<Loss> {
    let (p, q) = (log_softmax(judged), log_softmax(ours));
    let miss = (ours - leave_one_out(ours)) - (judged - group_mean(judged));
    (p.exp() * (p - q)).sum(Response).as_loss().mean(Prompt) + (0.5 * miss.squared()).sum(Response).mean(Prompt)
}
pub fn value(critic: &Critic, target: PerToken<Return, Sample, NoGrad>, y: Reply) -> Scalar<Loss> {
    squared_error(critic.value(y), target).batch_mean()
}
pub fn regularised(policy: Scalar<Loss>, drift: Scalar<Kl>, bonus: Scalar<Entropy>) -> Scalar<Loss> {
    policy + 0.1 * drift - 0.01 * bonus
}
pub fn way_out(margin: PerPrompt<Margin>) -> PerPrompt<Loss> {
    (-margin).treat_as::<LogRatio>("the odds of the wrong order").exp().treat_as::<Loss>("exponential loss")
}

fn main() {}

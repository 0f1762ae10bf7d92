//! How much better a response is than the others to its prompt.

crate::prelude!();

/// The score less the price of drifting from the reference: `s(y) - beta log(pi(y | x) / pi_ref(y | x))`, a constant.
#[reward]
pub fn kl_penalised<P: Policy>(
    policy: &P,
    reference: &Reference,
    group: &Group,
    beta: Param,
) -> PerResponse<Reward, Sample, NoGrad> {
    let drift = (policy.logp(group.response) - reference.logp(group.response)).sum(Token).detach();
    group.score - beta * drift
}

/// How many responses a prompt has.
#[loss]
pub fn group_size(y: Reply) -> PerPrompt<Weight, NoGrad> {
    min(length(y), 1.0).sum(Response)
}

/// In standard deviations of the group: `(s - mean) / (std + epsilon)`, with the deviation that divides by n - 1.
#[loss]
pub fn standardised(
    score: PerResponse<Reward, Sample, NoGrad>,
    epsilon: f64,
) -> PerResponse<Advantage, Sample, NoGrad> {
    (score - group_mean(score)) / (group_std(score) + epsilon)
}

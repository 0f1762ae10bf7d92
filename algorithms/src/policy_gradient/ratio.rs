//! How much likelier the actor makes a token or a response than the policy that drew it.

crate::prelude!();

/// `pi(y_t | x, y_<t) / pi_old(y_t | x, y_<t)`, token by token.
#[loss]
pub fn token_ratio(actor: &Actor, behavior: &Behavior, y: Reply) -> PerToken<Ratio> {
    (actor.logp(y) - behavior.logp(y)).exp()
}

/// `(pi(y | x) / pi_old(y | x))^(1 / |y|)`: the geometric mean over the tokens of a response.
#[loss]
pub fn mean_ratio(actor: &Actor, behavior: &Behavior, y: Reply) -> PerResponse<Ratio> {
    (actor.logp(y) - behavior.logp(y)).mean(Token).exp()
}

/// Proximal Policy Optimization's gain of a token, arXiv:1707.06347, equation 7:
/// `min(rho A, clip(rho, 1 - low, 1 + high) A)`. Nothing is gained by moving the ratio out of the band.
#[loss]
pub fn clipped(
    rho: PerToken<Ratio>,
    advantage: PerResponse<Advantage, Sample, NoGrad>,
    low: Param,
    high: Param,
) -> PerToken<Gain> {
    min(rho * advantage, rho.clamp(1.0 - low, 1.0 + high) * advantage)
}

/// The same with an advantage of each token.
#[loss]
pub fn clipped_by_token(
    rho: PerToken<Ratio>,
    advantage: PerToken<Advantage, Sample, NoGrad>,
    epsilon: Param,
) -> PerToken<Gain> {
    min(rho * advantage, rho.clamp(1.0 - epsilon, 1.0 + epsilon) * advantage)
}

//! Variational Sequence-level Soft Policy Optimization, arXiv:2602.10693.
//!
//! Each response is weighed, as a constant, by a function of `w = pi(y | x) / pi_old(y | x)` that is largest near 1, falls
//! smoothly to both sides and is 1 at 1:
//!
//! ```text
//! A = (s - mean s) / std s,   phi(w) = exp(lambda) w^k exp(-lambda w), with k and lambda by the sign of A
//! L = - (1 / number of tokens) sum over all tokens of constant(phi(w)) A log pi(y_t | x, y_<t)
//! ```
//!
//! TRL also limits a token's log-ratio to 20 either way and the response's to -18.4 ... 20; here `log w` is limited to
//! -20 ... 20.

crate::prelude!();
use super::advantage::standardised;

/// Hyper-parameters of [`vespo`].
#[derive(Hyper)]
pub struct Vespo {
    /// How steeply the weight rises with w, for what should become likelier.
    #[hyper(default = 2.0, at_least = 0.0, at_most = 100.0)]
    pub vespo_k_pos: Param,
    /// How steeply it falls with w, for what should become likelier.
    #[hyper(default = 3.0, above = 0.0, at_most = 100.0)]
    pub vespo_lambda_pos: Param,
    /// How steeply the weight rises with w, for what should become less likely.
    #[hyper(default = 3.0, at_least = 0.0, at_most = 100.0)]
    pub vespo_k_neg: Param,
    /// How steeply it falls with w, for what should become less likely.
    #[hyper(default = 2.0, above = 0.0, at_most = 100.0)]
    pub vespo_lambda_neg: Param,
}

/// `exp(lambda) w^k exp(-lambda w)` for `log w`: a density of the gamma family, 1 at 1.
#[loss]
pub fn gamma_weight(
    log_w: PerResponse<LogRatio, Sample, NoGrad>,
    k: Param,
    lambda: Param,
) -> PerResponse<Weight, Sample, NoGrad> {
    // A number times a `LogRatio` is a reward: this is none, so the exponent is put together as weights.
    let (log_w, w) = (log_w.as_weight(), log_w.exp().as_weight());
    (k * log_w + lambda * (1.0 - w)).treat_as::<LogRatio>("the logarithm of a weight").exp().as_weight()
}

/// Variational Sequence-level Soft Policy Optimization: REINFORCE with smooth weights of whole responses.
#[algorithm(paper = "arXiv:2602.10693")]
pub fn vespo(actor: &Actor, behavior: &Behavior, group: &Group, hp: &Vespo) -> Scalar<Loss> {
    let advantage = standardised(group.score, 1e-4);
    let logp = actor.logp(group.response);
    let log_w = (logp - behavior.logp(group.response)).sum(Token).detach().clamp(-20.0, 20.0);
    let better = gamma_weight(log_w, hp.vespo_k_pos, hp.vespo_lambda_pos);
    let worse = gamma_weight(log_w, hp.vespo_k_neg, hp.vespo_lambda_neg);
    -(when_negative(advantage, worse, better) * (logp * advantage)).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::VESPO;
    use crate::given::two_groups;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        two_groups().check_samples(
            &VESPO,
            &[],
            0.214_594_511_38,
            &[
                -0.104_871_437_486,
                -0.104_871_437_486,
                0.050_483_938_553,
                0.017_218_784_178,
                0.017_218_784_178,
                0.017_218_784_178,
                0.097_531_866_4,
                -0.085_568_420_925,
                -0.085_568_420_925,
            ],
        );
    }
}

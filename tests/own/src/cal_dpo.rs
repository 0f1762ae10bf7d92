//! Calibrated Direct Preference Optimization, Cal-DPO, arXiv:2412.14516.
//!
//! DPO only compares: both responses may become less likely. Here each log-ratio `h(y) = log(pi(y | x) / pi_ref(y | x))`
//! also has a size to reach, half the reward `1 / beta` up or down:
//!
//! ```text
//! L = mean over pairs of - log sigmoid(h(w) - h(l)) + (h(w) - 1 / (2 beta))^2 + (h(l) + 1 / (2 beta))^2
//! ```

collimate::prelude!();

/// Hyper-parameters of [`cal_dpo`].
#[derive(Hyper)]
pub(crate) struct CalDpo {
    /// How strongly the policy is held to the reference: each log-ratio aims for `1 / (2 beta)` up or down.
    #[hyper(default = 0.5, above = 0.0, at_most = 10.0)]
    pub(crate) beta: Param,
}

/// How much likelier the whole response has become.
#[reward]
pub(crate) fn log_ratio<Y: Side>(actor: &Actor, reference: &Reference, y: Reply<Y>) -> PerResponse<LogRatio, Y> {
    (actor.logp(y) - reference.logp(y)).sum(Token)
}

/// Cal-DPO: DPO whose rewards have a size, so that the chosen response does not become less likely.
#[algorithm(
    paper = "arXiv:2412.14516",
    except = "monotone: the square pulls a log-ratio back that is beyond its target"
)]
pub(crate) fn cal_dpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &CalDpo) -> Scalar<Loss> {
    let chosen = log_ratio(actor, reference, pair.chosen);
    let rejected = log_ratio(actor, reference, pair.rejected);
    let target = 1.0 / (2.0 * hp.beta);
    let calibrated = (chosen - target).squared() + (rejected + target).squared();
    let margin = chosen.as_reward() - rejected.as_reward();
    (-log_sigmoid(margin) + calibrated.as_loss()).mean(Prompt)
}

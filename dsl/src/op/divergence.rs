//! Estimates of `KL(actor || reference)` from the tokens that were drawn. Which of them is right in its value, and which in
//! its gradient, is [`Estimator`]'s to say; the program knows which one it is made with.

use crate::grad::{Gradient, Tape};
use crate::ir::{Estimator, Op};
use crate::kind::{Kl, LogProb};
use crate::level::{PerToken, Quantity};
use crate::side::Side;
use crate::trace::step;

/// `p - q`: its mean over samples of the actor is the divergence, the mean of its gradient is zero. For rewards.
#[track_caller]
pub fn k1<Y: Side, G: Gradient, H: Gradient>(
    actor: PerToken<LogProb, Y, G>,
    reference: PerToken<LogProb, Y, H>,
) -> PerToken<Kl, Y, <G as Tape>::Join<H>> {
    step(Op::Estimate(Estimator::K1), &[actor.handle(), reference.handle()])
}

/// `|p - q|`: never negative, and larger than the divergence.
#[track_caller]
pub fn abs_k1<Y: Side, G: Gradient, H: Gradient>(
    actor: PerToken<LogProb, Y, G>,
    reference: PerToken<LogProb, Y, H>,
) -> PerToken<Kl, Y, <G as Tape>::Join<H>> {
    step(Op::Estimate(Estimator::AbsK1), &[actor.handle(), reference.handle()])
}

/// `(p - q)^2 / 2`: the mean of its gradient is the divergence's, its value only near it. For losses.
#[track_caller]
pub fn k2<Y: Side, G: Gradient, H: Gradient>(
    actor: PerToken<LogProb, Y, G>,
    reference: PerToken<LogProb, Y, H>,
) -> PerToken<Kl, Y, <G as Tape>::Join<H>> {
    step(Op::Estimate(Estimator::K2), &[actor.handle(), reference.handle()])
}

/// `exp(q - p) - 1 - (q - p)`: never negative, and its mean is the divergence; its gradient is that of the reverse one,
/// `KL(reference || actor)`. GRPO's (arXiv:2402.03300, eq. 4).
#[track_caller]
pub fn k3<Y: Side, G: Gradient, H: Gradient>(
    actor: PerToken<LogProb, Y, G>,
    reference: PerToken<LogProb, Y, H>,
) -> PerToken<Kl, Y, <G as Tape>::Join<H>> {
    step(Op::Estimate(Estimator::K3), &[actor.handle(), reference.handle()])
}

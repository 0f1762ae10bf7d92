//! One of two values, and the probability of an interval.

use crate::grad::Tape;
use crate::ir::Op;
use crate::kind::Kind;
use crate::level::Quantity;
use crate::relation::{Beside, Compares, Encloses, HasSign};
use crate::shape::Shape;
use crate::trace::{draft, step};

/// `a` where the condition is larger than 0, else `b`, element by element. No gradient flows through the condition.
#[track_caller]
pub fn choose<C: Quantity, A: Quantity, B: Quantity, S: Shape, P, K: Kind>(
    condition: C,
    a: A,
    b: B,
) -> S::Of<K, <A::Grad as Tape>::Join<B::Grad>>
where
    B::Shape: Beside<A::Shape, Shape = S, Pairing = P>,
    P: Compares<A::Kind, B::Kind, Out = K>,
    C::Shape: Beside<S, Shape = S>,
    C::Kind: HasSign,
{
    step(Op::Choose, &[condition.handle(), a.handle(), b.handle()])
}

/// `a` where the advantage is negative, else `b` (the dual clip of arXiv:1912.09729, eq. 5).
#[track_caller]
pub fn when_negative<C: Quantity, A: Quantity, B: Quantity, S: Shape, P, K: Kind>(
    advantage: C,
    a: A,
    b: B,
) -> S::Of<K, <A::Grad as Tape>::Join<B::Grad>>
where
    B::Shape: Beside<A::Shape, Shape = S, Pairing = P>,
    P: Compares<A::Kind, B::Kind, Out = K>,
    C::Shape: Beside<S, Shape = S>,
    C::Kind: HasSign,
{
    let turned = draft(Op::Negative, &[advantage.handle()]);
    step(Op::Choose, &[turned, a.handle(), b.handle()])
}

/// `ln(Phi(high) - Phi(low))`: the log-probability that a standard normal number falls between the two. Far out in the
/// tails it keeps its digits. An end that is open is a number beyond all others, e.g. `1e9`, where `Phi` is 0 or 1.
#[track_caller]
pub fn log_interval<A: Quantity, B: Quantity, S: Shape, P, K: Kind>(
    low: A,
    high: B,
) -> S::Of<K, <A::Grad as Tape>::Join<B::Grad>>
where
    B::Shape: Beside<A::Shape, Shape = S, Pairing = P>,
    P: Encloses<A::Kind, B::Kind, Out = K>,
{
    step(Op::LogInterval, &[low.handle(), high.handle()])
}

//! Functions element by element.

use crate::grad::{NoGrad, Tape};
use crate::ir::Op;
use crate::kind::{Kind, Loss, Margin};
use crate::level::{As, PerPrompt, Quantity};
use crate::number::Limit;
use crate::relation::{Aligned, Beside, Compares, Fits, HasLogSigmoid, HasSigmoid, Still};
use crate::shape::Shape;
use crate::trace::{draft, step};

/// `1 / (1 + exp(-q))`: of a margin, the probability that the first response is preferred.
#[track_caller]
pub fn sigmoid<Q: Quantity, O: Kind>(q: Q) -> As<Q, O>
where
    Q::Kind: HasSigmoid<Out = O>,
{
    step(Op::Logistic, &[q.handle()])
}

/// `ln(sigmoid(q))`, without overflow.
#[track_caller]
pub fn log_sigmoid<Q: Quantity, O: Kind>(q: Q) -> As<Q, O>
where
    Q::Kind: HasLogSigmoid<Out = O>,
{
    step(Op::LogLogistic, &[q.handle()])
}

/// The smaller of the two, element by element; where equal, the gradient goes to the first.
#[track_caller]
pub fn min<A: Quantity, B: Quantity, S: Shape, P, K: Kind>(a: A, b: B) -> S::Of<K, <A::Grad as Tape>::Join<B::Grad>>
where
    B::Shape: Beside<A::Shape, Shape = S, Pairing = P>,
    P: Compares<A::Kind, B::Kind, Out = K>,
{
    step(Op::Smaller, &[a.handle(), b.handle()])
}

/// The larger of the two, element by element; where equal, the gradient goes to the first.
#[track_caller]
pub fn max<A: Quantity, B: Quantity, S: Shape, P, K: Kind>(a: A, b: B) -> S::Of<K, <A::Grad as Tape>::Join<B::Grad>>
where
    B::Shape: Beside<A::Shape, Shape = S, Pairing = P>,
    P: Compares<A::Kind, B::Kind, Out = K>,
{
    step(Op::Larger, &[a.handle(), b.handle()])
}

/// `(prediction - target)^2`, to be minimised. The target is a constant of the same shape.
#[track_caller]
pub fn squared_error<A: Quantity, B: Quantity<Shape = A::Shape>>(prediction: A, target: B) -> As<A, Loss>
where
    Aligned: Fits<A::Kind, B::Kind>,
    B::Grad: Still,
{
    // The target first: a `Return` less a `Value` is an `Advantage`, while the reverse has no name.
    let miss = draft(Op::Minus, &[target.handle(), prediction.handle()]);
    step(Op::Square, &[miss])
}

/// The same margin for every prompt.
#[track_caller]
pub fn fixed_margin<N: Limit>(margin: N) -> PerPrompt<Margin, NoGrad> {
    let spread = draft(Op::EveryPrompt, &[margin.handle()]);
    step(Op::Recast("the same margin for every prompt".to_owned()), &[spread])
}

//! How values are spread over a group or the whole batch, and in which order they stand.

use crate::grad::{Gradient, NoGrad};
use crate::ir::Op;
use crate::kind::{Baseline, Kind};
use crate::level::{PerResponse, Quantity, Scalar};
use crate::relation::{Batched, Orderly, Several, Spreads, Still, Whitens};
use crate::shape::Shape;
use crate::trace::{draft, step};

/// For each response, the standard deviation over all responses to its prompt: `n - 1` below; 0 for a single one.
#[track_caller]
pub fn group_std<K, Y: Several, G: Gradient, O: Kind>(q: PerResponse<K, Y, G>) -> PerResponse<O, Y, G>
where
    K: Spreads<Out = O>,
{
    step(Op::GroupSpread, &[q.handle()])
}

/// For each response, the standard deviation over the other responses to its prompt: one less than their number below; 0 for
/// fewer than two others.
#[track_caller]
pub fn others_std<K, Y: Several, G: Gradient, O: Kind>(q: PerResponse<K, Y, G>) -> PerResponse<O, Y, G>
where
    K: Spreads<Out = O>,
{
    step(Op::OthersSpread, &[q.handle()])
}

/// The standard deviation over every element of the optimizer's batch: `n - 1` below. The batch must stay whole.
#[track_caller]
pub fn batch_std<Q: Quantity, O: Kind>(q: Q) -> Scalar<O, Q::Grad>
where
    Q::Shape: Batched,
    Q::Kind: Spreads<Out = O>,
{
    step(Op::BatchSpread, &[q.handle()])
}

/// Advantages of mean 0 and standard deviation 1 over the optimizer's batch: `(x - mean) / sqrt(std^2 + 1e-8)`. The batch
/// must stay whole.
#[track_caller]
pub fn whiten<Q: Quantity, O: Kind>(q: Q) -> <Q::Shape as Shape>::Of<O, NoGrad>
where
    Q::Shape: Batched,
    Q::Kind: Whitens<Out = O>,
    Q::Grad: Still,
{
    let mean = draft(Op::AverageAll, &[q.handle()]);
    let mean: Scalar<Baseline, NoGrad> = step(Op::Recast("what was expected anyway".to_owned()), &[mean]);
    let spread = draft(Op::BatchSpread, &[q.handle()]);
    let squared = draft(Op::Times, &[spread, spread]);
    let least = draft(Op::Literal(1e-8), &[]);
    let squared = draft(Op::Plus, &[squared, least]);
    let spread = draft(Op::Root, &[squared]);
    let centred = draft(Op::Minus, &[q.handle(), mean.handle()]);
    step(Op::Over, &[centred, spread])
}

/// The values in order, the smallest first: of the batch's prompts, or of its responses of one side. Values of two sides in
/// order meet rank by rank (AOT, arXiv:2406.05882). The batch must stay whole.
#[track_caller]
pub fn sorted<Q: Quantity>(q: Q) -> Q
where
    Q::Shape: Orderly,
{
    step(Op::Sorted, &[q.handle()])
}

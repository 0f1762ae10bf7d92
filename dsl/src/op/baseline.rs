//! Comparing a response with the others to its prompt.

use crate::grad::Gradient;
use crate::ir::Op;
use crate::kind::{Kind, LogProb};
use crate::level::{PerResponse, Quantity};
use crate::relation::{Distributes, Ranks, Several};
use crate::trace::step;

/// For each response, the mean of the other responses to its prompt: of a reward, a baseline.
#[track_caller]
pub fn leave_one_out<K, Y: Several, G: Gradient, O: Kind>(q: PerResponse<K, Y, G>) -> PerResponse<O, Y, G>
where
    K: Ranks<Out = O>,
{
    step(Op::OthersMean, &[q.handle()])
}

/// For each response, the mean of all responses to its prompt: of a reward, a baseline.
#[track_caller]
pub fn group_mean<K, Y: Several, G: Gradient, O: Kind>(q: PerResponse<K, Y, G>) -> PerResponse<O, Y, G>
where
    K: Ranks<Out = O>,
{
    step(Op::GroupMean, &[q.handle()])
}

/// The responses to a prompt as a distribution: log-probabilities proportional to `exp(q)`.
#[track_caller]
pub fn log_softmax<K: Distributes, Y: Several, G: Gradient>(q: PerResponse<K, Y, G>) -> PerResponse<LogProb, Y, G> {
    step(Op::GroupLogSoftmax, &[q.handle()])
}

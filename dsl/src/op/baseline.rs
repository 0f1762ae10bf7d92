//! Comparing a response with the others to its prompt.

use crate::grad::Gradient;
use crate::ir::Op;
use crate::kind::{Baseline, LogProb, Reward};
use crate::level::{PerResponse, Quantity};
use crate::relation::{Distributes, Several};
use crate::trace::step;

/// For each response, the mean reward of the other responses to its prompt.
#[track_caller]
pub fn leave_one_out<Y: Several, G: Gradient>(reward: PerResponse<Reward, Y, G>) -> PerResponse<Baseline, Y, G> {
    step(Op::OthersMean, &[reward.handle()])
}

/// For each response, the mean reward of all responses to its prompt.
#[track_caller]
pub fn group_mean<Y: Several, G: Gradient>(reward: PerResponse<Reward, Y, G>) -> PerResponse<Baseline, Y, G> {
    step(Op::GroupMean, &[reward.handle()])
}

/// The responses to a prompt as a distribution: log-probabilities proportional to `exp(q)`.
#[track_caller]
pub fn log_softmax<K: Distributes, Y: Several, G: Gradient>(q: PerResponse<K, Y, G>) -> PerResponse<LogProb, Y, G> {
    step(Op::GroupLogSoftmax, &[q.handle()])
}

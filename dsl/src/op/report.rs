//! What a formula reports besides its loss.

use crate::automatic::REWARDS;
use crate::grad::Gradient;
use crate::ir::Op;
use crate::kind::Reward;
use crate::level::{PerResponse, Quantity};
use crate::side::{Chosen, Rejected};
use crate::trace::{draft, metric};

/// Writes the mean of `q` under this name into the metrics of every optimizer step.
#[track_caller]
pub fn report<Q: Quantity>(name: &str, q: Q) {
    metric(name, q.handle());
}

/// Reports the rewards of a pair under TRL's names: `rewards/chosen`, `rewards/rejected`, `rewards/margins` and
/// `rewards/accuracies`, how often the chosen response has the larger one.
///
/// A formula that takes the difference of two rewards reports them without being asked.
#[track_caller]
pub fn report_rewards<G: Gradient>(chosen: PerResponse<Reward, Chosen, G>, rejected: PerResponse<Reward, Rejected, G>) {
    let (chosen, rejected) = (chosen.handle(), rejected.handle());
    let margin = draft(Op::Minus, &[chosen, rejected]);
    for (name, node) in REWARDS.into_iter().zip([chosen, rejected, margin, draft(Op::Positive, &[margin])]) {
        metric(name, node);
    }
}

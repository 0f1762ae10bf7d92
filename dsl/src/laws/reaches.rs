//! Every response that a trainable policy scores for the loss receives a gradient.
//!
//! A `.detach()` in the wrong place takes it from one of two sides, and training runs all the same. The responses to
//! other prompts (KTO's) are only compared with and may be detached.

use super::Verdict;
use super::subject::{Subject, name};
use crate::ir::SideTag;

pub(super) fn try_on(subject: &Subject<'_>) -> Result<Verdict, String> {
    let mut waiting: Vec<_> =
        subject.live().into_iter().filter(|(.., ty)| ty.side != Some(SideTag::Mismatched)).collect();
    // A hinge or a clip may be closed on one batch.
    for seed in 21..25 {
        let gradient = subject.evaluate(&subject.batch(seed), &subject.defaults)?.gradient;
        waiting.retain(|(owner, field, ty)| {
            gradient.get(owner, field, ty.side).is_none_or(|gradient| gradient.iter().all(|&g| g == 0.0))
        });
    }
    match waiting.first() {
        None => Ok(Verdict::Holds),
        Some(live) => Err(format!("{} receives no gradient on any of four batches", name(live))),
    }
}

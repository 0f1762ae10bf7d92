//! Chosen and rejected are not interchangeable: if every policy saw the rejected response where it saw the chosen, and
//! the data said the same, the loss would be another.

use super::Verdict;
use super::subject::Subject;
use crate::ir::SideTag;

pub(super) fn try_on(subject: &Subject<'_>) -> Result<Verdict, String> {
    let opinions = subject.opinions();
    let has = |side| opinions.iter().any(|(.., ty)| ty.side == Some(side));
    if !has(SideTag::Chosen) || !has(SideTag::Rejected) {
        return Ok(Verdict::DoesNotApply("no policy is trained on both responses of a pair"));
    }
    // A frozen policy that is read on one side only has nothing to be exchanged with, and would tell the two by their
    // lengths alone: then they have the same.
    let level = reads_one_side(subject);
    for seed in 81..84 {
        let batch = if level { subject.level_batch(seed) } else { subject.batch(seed) };
        let swapped = batch.clone().swapped(subject.program, subject.view);
        let (found, other) =
            (subject.evaluate(&batch, &subject.defaults)?, subject.evaluate(&swapped, &subject.defaults)?);
        if (found.loss - other.loss).abs() > 1e-6 * found.loss.abs().max(1e-3) {
            return Ok(Verdict::Holds);
        }
    }
    Err("with chosen and rejected swapped the loss is the same on three batches".into())
}

/// Is a frozen policy asked about one response of a pair and not about the other?
fn reads_one_side(subject: &Subject<'_>) -> bool {
    let asked = |owner: &str, field: &str, side| {
        subject.program.inputs().any(|(_, o, f, ty)| (o, f, ty.side) == (owner, field, Some(side)))
    };
    subject.program.inputs().any(|(_, owner, field, ty)| {
        let both = asked(owner, field, SideTag::Chosen) && asked(owner, field, SideTag::Rejected);
        let paired = matches!(ty.side, Some(SideTag::Chosen | SideTag::Rejected));
        paired && !ty.live && owner != subject.view && !both
    })
}

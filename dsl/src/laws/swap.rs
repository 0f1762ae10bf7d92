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
    for seed in 81..84 {
        let batch = subject.batch(seed);
        let swapped = batch.clone().swapped(subject.program, subject.view);
        let (found, other) =
            (subject.evaluate(&batch, &subject.defaults)?, subject.evaluate(&swapped, &subject.defaults)?);
        if (found.loss - other.loss).abs() > 1e-6 * found.loss.abs().max(1e-3) {
            return Ok(Verdict::Holds);
        }
    }
    Err("with chosen and rejected swapped the loss is the same on three batches".into())
}

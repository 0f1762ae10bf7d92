//! What one prompt's responses are pushed by does not depend on the responses to other prompts.
//!
//! Other prompts, with other lengths, take the place of half of the batch, while the counts that means divide by stay:
//! the gradients of the other half must stay too. There is no padding here, so this is also what padding must not do.

use super::rearranged::Rearranged;
use super::subject::Subject;
use super::{Verdict, close};
use crate::eval::separable;

pub(super) fn try_on(subject: &Subject<'_>) -> Result<Verdict, String> {
    if separable(subject.program).is_err() {
        return Ok(Verdict::DoesNotApply("the formula compares prompts with each other"));
    }
    for settings in [&subject.defaults, &subject.varied] {
        let (batch, other) = (subject.batch(31), subject.batch(32));
        // Counts that no part exceeds.
        let mut totals = batch.layout.totals();
        totals.sides.iter_mut().for_each(|(_, responses, tokens)| (*responses, *tokens) = (1000, 5000));
        let half = |of: &super::batch::Batch, prompts: &[usize]| {
            Rearranged::prompts(&of.layout, prompts).batch(subject.program, &of.inputs)
        };
        let (kept, strangers) = (half(&batch, &[0, 1]), half(&other, &[2, 3]));
        let mixed = kept.followed_by(&strangers, subject.program);
        let alone = subject.part(&kept, &totals, settings)?.gradient;
        let among = subject.part(&mixed, &totals, settings)?.gradient;
        let among = Rearranged::prompts(&mixed.layout, &[0, 1]).values(subject.program, &among);
        close::same(&among, &alone).map_err(|how| format!("beside other prompts {how}"))?;
    }
    Ok(Verdict::Holds)
}

//! A batch twice over costs what it costs once, and each response is pushed by half: a loss is a mean.

use super::rearranged::Rearranged;
use super::subject::Subject;
use super::{Verdict, close};
use crate::eval::separable;

pub(super) fn try_on(subject: &Subject<'_>) -> Result<Verdict, String> {
    if separable(subject.program).is_err() {
        return Ok(Verdict::DoesNotApply("statistics of the batch may change with its size"));
    }
    for settings in [&subject.defaults, &subject.varied] {
        let batch = subject.batch(61);
        let once = subject.evaluate(&batch, settings)?;
        let order = Rearranged::prompts(&batch.layout, &[0, 1, 2, 3, 0, 1, 2, 3]);
        let twice = subject.evaluate(&order.batch(subject.program, &batch.inputs), settings)?;
        if !close::close(twice.loss, once.loss) {
            return Err(format!("twice over, the batch costs {} instead of {}", twice.loss, once.loss));
        }
        let mut expected = order.values(subject.program, &once.gradient);
        for (owner, field, ty) in subject.live() {
            if let Some(values) = expected.get_mut(owner, field, ty.side) {
                values.iter_mut().for_each(|value| *value /= 2.0);
            }
        }
        close::same(&twice.gradient, &expected).map_err(|how| format!("twice over, {how}"))?;
    }
    Ok(Verdict::Holds)
}

//! However a batch is cut, the losses, gradients and metrics of its parts add up to the whole's.

use super::rearranged::Rearranged;
use super::subject::Subject;
use super::{Verdict, close};
use crate::eval::separable;

pub(super) fn try_on(subject: &Subject<'_>) -> Result<Verdict, String> {
    if separable(subject.program).is_err() {
        return Ok(Verdict::DoesNotApply("the formula needs the whole batch, and the trainer knows it"));
    }
    for settings in [&subject.defaults, &subject.varied] {
        let batch = subject.batch(51);
        let totals = batch.layout.totals();
        let whole = subject.evaluate(&batch, settings)?;
        let cuts: [&[&[usize]]; 3] = [&[&[0], &[1, 2, 3]], &[&[0, 1], &[2, 3]], &[&[0], &[1], &[2], &[3]]];
        for parts in cuts {
            let cut = format!("cut into {} parts", parts.len());
            let mut loss = 0.0;
            let mut metrics = vec![(0.0, 0); whole.metrics.len()];
            for prompts in parts {
                let order = Rearranged::prompts(&batch.layout, prompts);
                let part = subject.part(&order.batch(subject.program, &batch.inputs), &totals, settings)?;
                let expected = order.values(subject.program, &whole.gradient);
                close::same(&part.gradient, &expected).map_err(|how| format!("{cut}, {how}"))?;
                loss += part.loss;
                for (sum, measured) in metrics.iter_mut().zip(&part.metrics) {
                    *sum = (sum.0 + measured.sum, sum.1 + measured.count);
                }
            }
            if !close::close(loss, whole.loss) {
                return Err(format!("{cut}, the losses add up to {loss} instead of {}", whole.loss));
            }
            for (found, expected) in metrics.iter().zip(&whole.metrics) {
                if !close::close(found.0, expected.sum) || found.1 != expected.count {
                    let (sum, count) = (expected.sum, expected.count);
                    let name = &expected.name;
                    return Err(format!("{cut}, `{name}` is {} / {} instead of {sum} / {count}", found.0, found.1));
                }
            }
        }
    }
    Ok(Verdict::Holds)
}

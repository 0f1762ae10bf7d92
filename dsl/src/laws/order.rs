//! Neither the order of the prompts nor that of the responses to one of them means anything.

use super::rearranged::Rearranged;
use super::subject::Subject;
use super::{Verdict, close};

pub(super) fn try_on(subject: &Subject<'_>) -> Result<Verdict, String> {
    for settings in [&subject.defaults, &subject.varied] {
        let batch = subject.batch(41);
        let found = subject.evaluate(&batch, settings)?;
        let orders = [
            ("prompts in another order", Rearranged::prompts(&batch.layout, &[2, 0, 3, 1])),
            ("the responses to a prompt in another order", Rearranged::members(&batch.layout)),
        ];
        for (what, order) in orders {
            let moved = subject.evaluate(&order.batch(subject.program, &batch.inputs), settings)?;
            if !close::close(moved.loss, found.loss) {
                return Err(format!("with {what} the loss is {} instead of {}", moved.loss, found.loss));
            }
            let expected = order.values(subject.program, &found.gradient);
            close::same(&moved.gradient, &expected).map_err(|how| format!("with {what} {how}"))?;
        }
    }
    Ok(Verdict::Holds)
}

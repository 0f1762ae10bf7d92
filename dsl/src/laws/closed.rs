//! The gradient as `explain` writes it, in closed form, is the gradient.

use super::Verdict;
use super::close::same;
use super::subject::Subject;
use crate::explain::gradient::gradient;

pub(super) fn try_on(subject: &Subject<'_>) -> Result<Verdict, String> {
    for (seed, settings) in [(21, &subject.defaults), (22, &subject.varied)] {
        let batch = subject.batch(seed);
        let totals = batch.layout.totals();
        let found = gradient(subject.program, &batch.layout, &totals, &batch.inputs, settings);
        let found = found.map_err(|error| error.to_string())?;
        same(&found, &subject.evaluate(&batch, settings)?.gradient).map_err(|how| format!("in closed form {how}"))?;
    }
    Ok(Verdict::Holds)
}

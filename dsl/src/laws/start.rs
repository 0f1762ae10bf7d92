//! Before the first step, when every frozen copy gives what the actor gives, the loss is finite, trains every policy,
//! and pushes alike however likely the responses are.
//!
//! The last is asked of formulas that read the actor beside a copy of it: there the model's confidence has been divided
//! out. Formulas over the whole vocabulary and those without a copy answer to it by their nature.

use super::batch::is_copy;
use super::subject::Subject;
use super::{Verdict, close};

pub(super) fn try_on(subject: &Subject<'_>) -> Result<Verdict, String> {
    let (program, view) = (subject.program, subject.view);
    let start = subject.batch(71).at_start(program, view);
    for settings in [&subject.defaults, &subject.varied] {
        let found = subject.evaluate(&start, settings)?;
        for (owner, ..) in subject.live() {
            let moves =
                found.gradient.iter().any(|(who, .., gradient)| who == owner && gradient.iter().any(|&g| g != 0.0));
            if !moves {
                return Err(format!("before the first step `{owner}` receives no gradient"));
            }
        }
        let reads = |is: &dyn Fn(&str, crate::ir::Ty) -> bool, what: &str| {
            program.inputs().any(|(_, owner, field, ty)| field == what && is(owner, ty))
        };
        let compares = reads(&|owner, _| owner == "actor", "logp") && reads(&is_copy, "logp");
        if compares && !reads(&|_, _| true, "words") {
            let mut other = start.clone();
            for (_, owner, field, ty) in program.inputs().filter(|(.., field, _)| *field == "logp") {
                if let Some(values) = other.inputs.get_mut(owner, field, ty.side).filter(|_| owner == "actor") {
                    values.iter_mut().enumerate().for_each(|(i, value)| *value *= if i % 2 == 0 { 0.5 } else { 1.7 });
                }
            }
            let moved = subject.evaluate(&other.at_start(program, view), settings)?;
            close::same(&moved.gradient, &found.gradient).map_err(|how| {
                format!("before the first step, other log-probabilities of all policies alike: {how}")
            })?;
        }
    }
    Ok(Verdict::Holds)
}

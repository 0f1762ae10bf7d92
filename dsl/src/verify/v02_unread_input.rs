//! V02: every input reaches the loss or a metric.
//!
//! An input costs something, a pass of a policy or a column of the data, and its author thought it mattered.

use super::Problem;
use crate::Spec;
use crate::eval::input_name;
use crate::flow;
use crate::ir::{Program, STATE};

pub(super) fn check(program: &Program, _: &[Spec]) -> Vec<Problem> {
    let read = flow::read(program);
    // A state that nothing reads is told by V20.
    let unread = program.inputs().filter(|(id, owner, ..)| *owner != STATE && !read[id.index()]);
    let problem = |(id, owner, field, ty): (crate::ir::Id, &str, &str, crate::ir::Ty)| {
        let message = format!("nothing reads {}", input_name(owner, field, ty.side));
        let help = "use it in the loss, report it with `report(\"name\", ...)`, or take it out";
        Problem::new("V02", message, &program.node(id).place, help)
    };
    unread.map(problem).collect()
}

#[cfg(test)]
mod tests {
    use crate::ir::Program;
    use crate::verify::trial::codes;
    use crate::verify::verify;
    use crate::{Arg, trace};
    crate::prelude!();

    fn demonstration(drift: impl FnOnce(&Reference, &Demo)) -> Program {
        trace("demonstration", || {
            let (actor, reference, demo) = (Actor::arg(), Reference::arg(), Demo::arg());
            drift(&reference, &demo);
            -actor.logp(demo.response).batch_mean()
        })
    }

    #[test]
    fn a_log_probability_that_is_asked_for_and_dropped_is_told() {
        let program = demonstration(|reference, demo| {
            let _ = reference.logp(demo.response).exp();
        });
        let problems = verify(&program, &[]);
        assert_eq!((problems[0].code, problems.len()), ("V02", 1));
        assert_eq!(problems[0].message, "nothing reads `reference.logp` of Answer");
        assert!(problems[0].place.is_some());
    }

    #[test]
    fn an_input_of_a_metric_is_read() {
        let program = demonstration(|reference, demo| report("reference", reference.logp(demo.response)));
        assert_eq!(codes(&program, &[]), [""; 0]);
    }
}

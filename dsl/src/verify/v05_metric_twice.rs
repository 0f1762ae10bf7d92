//! V05: no metric's name is given twice.
//!
//! One of the two would be lost in the log, and nobody could tell which.

use super::Problem;
use crate::Spec;
use crate::ir::Program;

pub(super) fn check(program: &Program, _: &[Spec]) -> Vec<Problem> {
    let again = |(i, metric): (usize, &crate::ir::Metric)| {
        let first = program.metrics[..i].iter().find(|earlier| earlier.name == metric.name)?;
        let message = format!("the metric `{}` is reported twice", metric.name);
        let mut problem =
            Problem::new("V05", message, &program.node(metric.node).place, "give each metric a name of its own");
        problem.notes.push(format!("the first is of the value made at {}", program.node(first.node).place));
        Some(problem)
    };
    program.metrics.iter().enumerate().filter_map(again).collect()
}

#[cfg(test)]
mod tests {
    use crate::verify::trial::codes;
    use crate::{Arg, trace};
    crate::prelude!();

    #[test]
    fn two_metrics_of_one_name_are_told() {
        let codes = |second: &str| {
            let program = trace("twice", || {
                let (actor, demo) = (Actor::arg(), Demo::arg());
                let logp = actor.logp(demo.response);
                report("logp", logp);
                report(second, logp.sum(Token));
                -logp.batch_mean()
            });
            codes(&program, &[])
        };
        assert_eq!(codes("logp"), ["V05"]);
        assert_eq!(codes("sum"), [""; 0]);
    }
}

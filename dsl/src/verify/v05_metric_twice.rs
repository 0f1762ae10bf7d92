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
        problem.notes.push(format!("first of step %{}, then of step %{}", first.node.index(), metric.node.index()));
        Some(problem)
    };
    program.metrics.iter().enumerate().filter_map(again).collect()
}

#[cfg(test)]
mod tests {
    use crate::verify::trial::{codes, sound};

    #[test]
    fn two_metrics_of_one_name_are_told() {
        let mut program = sound();
        assert_eq!(codes(&program, &[]), [""; 0]);
        program.metrics[1].name = program.metrics[0].name.clone();
        assert_eq!(codes(&program, &[]), ["V05"]);
    }
}

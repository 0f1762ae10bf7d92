//! V09: no difference or quotient is of a value and itself.
//!
//! `actor.logp(y) - actor.logp(y)` type-checks as a log-ratio and is zero whatever the policies say. A value and the
//! same value without gradient are two values: `(logp - logp.detach()).exp()` is a known and right formula.

use super::Problem;
use crate::Spec;
use crate::eval::input_name;
use crate::ir::{Op, Program};
use std::collections::HashMap;

pub(super) fn check(program: &Program, _: &[Spec]) -> Vec<Problem> {
    let values = values(program);
    let empty = |node: &crate::ir::Node| {
        let &[left, right] = node.args.as_slice() else { return None };
        if values[left.index()] != values[right.index()] {
            return None;
        }
        let always = match node.op {
            Op::Minus => "this difference is always zero",
            Op::Over => "this quotient is always one",
            _ => return None,
        };
        let both = program.node(left);
        let what = match &both.op {
            Op::Input { owner, field } => input_name(owner, field, both.ty.side),
            _ if both.place.file.is_empty() => format!("step %{}", left.index()),
            _ => format!("the value made at {}", both.place),
        };
        let help = "put the other value on one side, e.g. `actor.logp(y) - reference.logp(y)`";
        Some(Problem::new("V09", format!("{always}: both sides are {what}"), &node.place, help))
    };
    program.nodes.iter().filter_map(empty).collect()
}

/// The same number for nodes that compute the same, wherever they were written.
fn values(program: &Program) -> Vec<usize> {
    let mut known = HashMap::new();
    let mut values: Vec<usize> = Vec::new();
    for node in &program.nodes {
        let args: Vec<usize> = node.args.iter().map(|arg| values[arg.index()]).collect();
        let next = known.len();
        // A number in an operation makes it unfit as a key; its text is exact.
        values.push(*known.entry((format!("{:?}", node.op), args, node.ty)).or_insert(next));
    }
    values
}

#[cfg(test)]
mod tests {
    use crate::verify::trial::codes;
    use crate::verify::verify;
    use crate::{Arg, trace};
    crate::prelude!();

    #[test]
    fn a_policy_held_against_itself_is_told() {
        let program = trace("itself", || {
            let (actor, demo) = (Actor::arg(), Demo::arg());
            let drift = actor.logp(demo.response) - actor.logp(demo.response);
            drift.squared().batch_mean().as_loss()
        });
        let problems = verify(&program, &[]);
        assert_eq!((problems[0].code, problems.len()), ("V09", 1));
        assert_eq!(problems[0].message, "this difference is always zero: both sides are `actor.logp` of Answer");
    }

    #[test]
    fn a_reference_or_a_value_without_gradient_is_another_value() {
        let program = trace("drift", || {
            let (actor, reference, demo) = (Actor::arg(), Reference::arg(), Demo::arg());
            let logp = actor.logp(demo.response);
            let ratio = (logp - logp.detach()).squared().as_loss();
            ((logp - reference.logp(demo.response)).squared().as_loss() + ratio).batch_mean()
        });
        assert_eq!(codes(&program, &[]), [""; 0]);
    }

    #[test]
    fn the_same_formula_written_twice_is_one_value() {
        let program = trace("twice", || {
            let (actor, reference, demo) = (Actor::arg(), Reference::arg(), Demo::arg());
            let drift = || actor.logp(demo.response) - reference.logp(demo.response);
            (drift().squared() - drift().squared()).batch_mean().as_loss()
        });
        assert_eq!(codes(&program, &[]), ["V09"]);
    }
}

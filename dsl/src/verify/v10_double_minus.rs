//! V10: no minus stands before another.
//!
//! `-(-x)` is `x`: one of the two was written by somebody who did not see the other, as when a part already returns the
//! negative log-likelihood. Sums and means in between change nothing.

use super::Problem;
use crate::Spec;
use crate::ir::{Id, Op, Program};

pub(super) fn check(program: &Program, _: &[Spec]) -> Vec<Problem> {
    let double = |node: &crate::ir::Node| {
        let inner = match node.op {
            Op::Negative => negated(program, node.args[0])?,
            Op::Minus => negated(program, node.args[1])?,
            _ => return None,
        };
        let message = "this minus stands before a value that is already negated".to_owned();
        let mut problem = Problem::new("V10", message, &node.place, "take both out, or the one that is wrong");
        let place = &program.node(inner).place;
        if !place.file.is_empty() {
            problem.notes.push(format!("negated first at {place}"));
        }
        Some(problem)
    };
    program.nodes.iter().filter_map(double).collect()
}

/// The minus that this value begins with, before any sum or mean of it.
fn negated(program: &Program, id: Id) -> Option<Id> {
    let node = program.node(id);
    match node.op {
        Op::Negative => Some(id),
        Op::Total | Op::Average | Op::AverageAll | Op::Recast(_) | Op::EveryPrompt => negated(program, node.args[0]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::verify::trial::codes;
    use crate::{Arg, trace};
    crate::prelude!();

    #[test]
    fn a_minus_before_a_mean_of_negated_values_is_told() {
        let program = trace("twice", || {
            let (actor, demo) = (Actor::arg(), Demo::arg());
            let cost = -actor.logp(demo.response).mean(Token);
            (-cost.mean(Response).mean(Prompt)).treat_as::<Loss>("a test")
        });
        assert_eq!(codes(&program, &[]), ["V10"]);
    }

    #[test]
    fn a_minus_on_either_side_of_a_function_is_none_too_many() {
        let program = trace("once", || {
            let (actor, pair) = (Actor::arg(), Pair::arg());
            let gap = actor.logp(pair.chosen).mean(Token) - actor.logp(pair.rejected).mean(Token);
            -log_sigmoid(-gap).mean(Prompt)
        });
        assert_eq!(codes(&program, &[]), [""; 0]);
    }
}

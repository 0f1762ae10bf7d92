//! V14: the two sides of a margin are reduced alike.
//!
//! A sum over the tokens of one response held against a mean over those of the other type-checks, as both are one number
//! for each response, and compares a hundred tokens with one. Sides may differ in other ways on purpose, as where only
//! one of them is trained; sum against mean never is one.

use super::Problem;
use crate::Spec;
use crate::ir::{Depth, Id, Op, Program};

pub(super) fn check(program: &Program, _: &[Spec]) -> Vec<Problem> {
    let uneven = |node: &crate::ir::Node| {
        let &[left, right] = node.args.as_slice() else { return None };
        let sides = (program.node(left).ty, program.node(right).ty);
        let opposed = matches!((sides.0.side, sides.1.side), (Some(a), Some(b)) if a != b);
        if node.op != Op::Minus || !opposed || sides.0.depth != Depth::EachResponse {
            return None;
        }
        let (sum, mean) = apart(program, left, right)?;
        let message = "one side of this difference is a sum over its tokens, the other a mean".to_owned();
        let mut problem =
            Problem::new("V14", message, &node.place, "write `.sum(Token)` or `.mean(Token)` on both sides");
        problem.notes.push(format!("the sum   {}", program.node(sum).place));
        problem.notes.push(format!("the mean  {}", program.node(mean).place));
        Some(problem)
    };
    program.nodes.iter().filter_map(uneven).collect()
}

/// The first sum over tokens that stands where the other side has a mean, and that mean.
fn apart(program: &Program, left: Id, right: Id) -> Option<(Id, Id)> {
    let (a, b) = (program.node(left), program.node(right));
    let over_tokens =
        |node: &crate::ir::Node| node.args.first().is_some_and(|arg| program.node(*arg).ty.depth == Depth::EachToken);
    match (&a.op, &b.op) {
        (Op::Total, Op::Average) if over_tokens(a) => Some((left, right)),
        (Op::Average, Op::Total) if over_tokens(a) => Some((right, left)),
        (x, y) if x == y => a.args.iter().zip(&b.args).find_map(|(x, y)| apart(program, *x, *y)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::ir::Program;
    use crate::verify::trial::codes;
    use crate::{Arg, trace};
    crate::prelude!();

    fn margin(of: impl FnOnce(PerToken<LogProb, Rejected>) -> PerResponse<LogProb, Rejected>) -> Program {
        trace("margin", || {
            let (actor, pair) = (Actor::arg(), Pair::arg());
            let gap = 0.1 * actor.logp(pair.chosen).sum(Token) - 0.1 * of(actor.logp(pair.rejected));
            -log_sigmoid(gap).mean(Prompt)
        })
    }

    #[test]
    fn a_sum_against_a_mean_is_told() {
        assert_eq!(codes(&margin(|logp| logp.mean(Token)), &[]), ["V14"]);
        assert_eq!(codes(&margin(|logp| logp.sum(Token)), &[]), [""; 0]);
    }
}

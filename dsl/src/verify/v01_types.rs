//! V01: every step refers to earlier ones and has the type of the typing table; the last is one loss for the batch.
//!
//! rustc obeys the same table, so a program that was traced can only break this rule through a fault of the
//! library. A program that was read from text can break it in any way.

use super::Problem;
use crate::Spec;
use crate::ir::{Depth, KindTag, Node, Place, Program};
use crate::rules;

const CODE: &str = "V01";
const HELP: &str = "trace the program anew; if it was just traced, this is a fault of the library, please report it";

/// Steps, metrics and a root that point where nothing is. The other rules cannot look at such a program.
pub(super) fn dangling(program: &Program) -> Vec<Problem> {
    let later = |(i, node): (usize, &Node)| {
        let arg = node.args.iter().find(|arg| arg.index() >= i)?;
        let message = format!("step %{i} refers to %{}, which is no earlier step", arg.index());
        Some(Problem::new(CODE, message, &node.place, HELP))
    };
    let outside = |(what, id): (&str, crate::ir::Id)| {
        let message = format!("{what} is said to be step %{}, which there is not", id.index());
        (id.index() >= program.nodes.len()).then(|| Problem::new(CODE, message, &Place::default(), HELP))
    };
    let ends = program
        .root
        .map(|root| ("the loss", root))
        .into_iter()
        .chain(program.metrics.iter().map(|m| (&*m.name, m.node)))
        .chain(program.states.iter().flat_map(|s| s.next.iter().chain([&s.initial]).map(|id| (&*s.name, *id))));
    program.nodes.iter().enumerate().filter_map(later).chain(ends.filter_map(outside)).collect()
}

/// Types, and the root.
pub(super) fn check(program: &Program, _: &[Spec]) -> Vec<Problem> {
    let untyped = |(i, node): (usize, &Node)| {
        let args: Vec<_> = node.args.iter().map(|&arg| program.node(arg).ty).collect();
        if rules::fits(&node.op, &args, node.ty) {
            return None;
        }
        let word = node.op.word();
        let of: Vec<String> = args.iter().map(|ty| format!("`{ty}`")).collect();
        let mut problem = match rules::infer(&node.op, &args) {
            Some(ty) => {
                Problem::new(CODE, format!("step %{i} is `{}`, its type is `{ty}`", node.ty), &node.place, HELP)
            }
            None => Problem::new(CODE, format!("step %{i}, `{word}`, has no type"), &node.place, HELP),
        };
        let arguments = if of.is_empty() { "nothing".into() } else { of.join(" and ") };
        problem.notes.push(format!("the typing table was asked for `{word}` of {arguments}"));
        Some(problem)
    };
    program.nodes.iter().enumerate().filter_map(untyped).chain(loss(program)).collect()
}

fn loss(program: &Program) -> Option<Problem> {
    let help = "end with a mean over the batch, e.g. `.mean(Prompt)`, of a `Loss`";
    let Some(root) = program.root else {
        return Some(Problem::new(CODE, format!("`{}` has no loss", program.name), &Place::default(), help));
    };
    let node = program.node(root);
    let fits = node.ty.kind == KindTag::Loss && node.ty.depth == Depth::Batch && node.ty.side.is_none();
    let message = format!("`{}` ends in a `{}`, not in one loss for the batch", program.name, node.ty);
    (!fits).then(|| Problem::new(CODE, message, &node.place, help))
}

#[cfg(test)]
mod tests {
    use crate::ir::{Depth, Id, KindTag, Op, Program};
    use crate::verify::trial::{codes, sound};
    use crate::verify::verify;

    #[test]
    fn a_changed_type_does_not_agree_with_the_table() {
        let mut program = sound();
        let sum = program.nodes.iter().position(|node| node.op == Op::Total).unwrap();
        program.nodes[sum].ty.kind = KindTag::Reward;
        let problems = verify(&program, &[]);
        let expected = format!(
            "step %{sum} is `Reward per response of Chosen, grad`, its type is `LogRatio per response of Chosen, grad`"
        );
        assert_eq!((problems[0].code, &problems[0].message), ("V01", &expected));
        assert_eq!(problems[0].notes, ["the typing table was asked for `sum` of `LogRatio per token of Chosen, grad`"]);
        assert!(problems.iter().all(|problem| problem.code == "V01"));
    }

    #[test]
    fn a_step_the_table_does_not_know_has_no_type() {
        let mut program = sound();
        let log = program.nodes.iter().position(|node| node.op == Op::LogLogistic).unwrap();
        program.nodes[log].op = Op::Logarithm;
        assert_eq!(verify(&program, &[])[0].message, format!("step %{log}, `ln`, has no type"));
    }

    #[test]
    fn the_root_is_one_loss_for_the_batch() {
        let mut program = sound();
        let root = program.root.unwrap();
        program.root = Some(Id::new(root.index() - 2));
        assert!(verify(&program, &[])[0].message.ends_with("not in one loss for the batch"));
        program.root = None;
        assert_eq!(verify(&program, &[])[0].message, "`dpo` has no loss");
        let mut program = sound();
        program.nodes[root.index()].ty.depth = Depth::EachPrompt;
        assert_eq!(codes(&program, &[]), ["V01", "V01"]);
    }

    #[test]
    fn steps_point_backwards() {
        let mut program = sound();
        program.nodes[2].args[0] = Id::new(2);
        assert_eq!(verify(&program, &[])[0].message, "step %2 refers to %2, which is no earlier step");
        let mut program = sound();
        program.metrics[0].node = Id::new(1000);
        assert_eq!(verify(&program, &[])[0].message, "logps/chosen is said to be step %1000, which there is not");
        assert_eq!(codes(&Program { root: Some(Id::new(0)), ..Program::default() }, &[]), ["V01"]);
    }
}

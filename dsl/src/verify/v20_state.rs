//! V20: every state is declared once, updated once and read.
//!
//! A state that is never updated is a number that someone believes to move; of two updates only one could count; one
//! that nothing reads is carried and checkpointed for nothing. Its first value comes from no batch, and its next one is
//! one constant of the whole batch.

use super::Problem;
use crate::Spec;
use crate::flow;
use crate::ir::{Depth, Id, Place, Program, State};

const CODE: &str = "V20";

pub(super) fn check(program: &Program, _: &[Spec]) -> Vec<Problem> {
    program.states.iter().enumerate().flat_map(|(i, state)| wrong(program, i, state)).collect()
}

fn wrong(program: &Program, index: usize, state: &State) -> Vec<Problem> {
    let name = &state.name;
    let input = program.state_input(name);
    let place = input.map_or(Place::default(), |id| program.node(id).place.clone());
    let problem = |message: String, help: &str| Problem::new(CODE, message, &place, help);
    if program.states[..index].iter().any(|earlier| earlier.name == *name) {
        return vec![problem(
            format!("the state `{name}` is declared twice"),
            "declare it once and hand on what `state` gives, or give each a name of its own",
        )];
    }
    let mut problems = Vec::new();
    match state.next[..] {
        [] => problems.push(problem(
            format!("the state `{name}` is never updated: it would keep its first value for ever"),
            "say what it is after each step with `.update(...)`, or make it a hyper-parameter",
        )),
        [next] => problems.extend(unfit(program, name, next, Depth::Batch)),
        [first, second, ..] => {
            let mut twice = problem(
                format!("the state `{name}` is updated twice: only one of the two could count"),
                "update it once, with what it is after the whole step",
            );
            twice.notes.push(format!("first with step %{}, then with step %{}", first.index(), second.index()));
            problems.push(twice);
        }
    }
    problems.extend(unfit(program, name, state.initial, Depth::Constant));
    if !input.is_some_and(|input| is_read(program, input, index)) {
        problems.push(problem(
            format!("nothing reads the state `{name}`, neither the loss nor a metric of its own nor another state"),
            "use what `state` gives in the loss, or take it out",
        ));
    }
    problems
}

/// Is the state used by anything but its own next value? That it is reported under its own name is not asked for.
fn is_read(program: &Program, input: Id, index: usize) -> bool {
    let others = program.states.iter().enumerate().filter(|(i, _)| *i != index).flat_map(|(_, state)| &state.next);
    let ends = flow::results(program).filter(|end| *end != input).chain(others.copied());
    flow::read_by(program, ends)[input.index()]
}

fn unfit(program: &Program, name: &str, id: Id, depth: Depth) -> Option<Problem> {
    let node = program.node(id);
    let (when, wanted) = match depth {
        Depth::Constant => ("begins as", "begin with a number or hyper-parameters"),
        _ => ("is then", "update it with a constant of the whole batch, e.g. `reward.detach().batch_mean()`"),
    };
    // A next value may be a number too: a counter that is set back.
    let fits = node.ty.depth <= depth && !node.ty.live;
    (!fits).then(|| Problem::new(CODE, format!("the state `{name}` {when} a `{}`", node.ty), &node.place, wanted))
}

#[cfg(test)]
mod tests {
    use crate::ir::Program;
    use crate::verify::verify;
    use crate::{Arg, trace};
    crate::prelude!();

    fn with(formula: impl FnOnce(Scalar<Reward, NoGrad>) -> Scalar<Baseline, NoGrad>) -> Program {
        trace("mine", || {
            let (actor, group) = (Actor::arg(), Group::arg());
            let baseline = formula(group.score.batch_mean());
            -((group.score - baseline) * actor.logp(group.response).sum(Token)).batch_mean()
        })
    }
    fn messages(program: &Program) -> Vec<String> {
        verify(program, &[]).into_iter().map(|problem| format!("{}: {}", problem.code, problem.message)).collect()
    }

    #[test]
    fn a_state_that_moves_and_is_read_is_sound() {
        let program = with(|score| {
            let mean = state::<Baseline>("mean", 0.0);
            mean.update(0.9 * mean + 0.1 * score.as_baseline());
            mean
        });
        assert_eq!(messages(&program), [""; 0]);
        // So is one that only another one reads.
        let program = with(|score| {
            let (mean, rate) = (state::<Baseline>("mean", 0.0), state::<Weight>("rate", 1));
            rate.update(0.5 * rate);
            mean.update(score.as_baseline() + 0.0 * mean);
            rate.detach().treat_as::<Baseline>("a test") + mean
        });
        assert_eq!(messages(&program), [""; 0]);
    }

    #[test]
    fn a_state_that_never_moves_is_told() {
        let program = with(|_| state::<Baseline>("mean", 0.0));
        assert_eq!(
            messages(&program),
            ["V20: the state `mean` is never updated: it would keep its first value for ever"]
        );
    }

    #[test]
    fn two_updates_and_two_declarations_are_told() {
        let program = with(|score| {
            let mean = state::<Baseline>("mean", 0.0);
            mean.update(score.as_baseline());
            mean.update(0.5 * mean);
            mean
        });
        assert_eq!(messages(&program), ["V20: the state `mean` is updated twice: only one of the two could count"]);
        let program = with(|score| {
            let (mean, other) = (state::<Baseline>("mean", 0.0), state::<Baseline>("mean", 0.0));
            mean.update(score.as_baseline());
            mean + other
        });
        assert!(messages(&program).contains(&"V20: the state `mean` is declared twice".to_owned()));
    }

    #[test]
    fn a_state_that_nothing_reads_is_told() {
        let program = with(|score| {
            let mean = state::<Baseline>("mean", 0.0);
            mean.update(0.9 * mean + 0.1 * score.as_baseline());
            score.as_baseline()
        });
        let message = "V20: nothing reads the state `mean`, neither the loss nor a metric of its own nor another state";
        assert_eq!(messages(&program), [message]);
    }
}

//! Changing a program at one place.

use collimate_dsl::ir::{Id, Node, Op, Program};

/// Every place where a program names one of its steps.
fn ids(program: &mut Program) -> impl Iterator<Item = &mut Id> {
    let ends = program.root.iter_mut().chain(program.metrics.iter_mut().map(|metric| &mut metric.node));
    let states = program.states.iter_mut().flat_map(|state| std::iter::once(&mut state.initial).chain(&mut state.next));
    program.nodes.iter_mut().flat_map(|node| &mut node.args).chain(ends).chain(states)
}

/// Everything that was worked out of one step is worked out of another instead.
pub(super) fn rewired(program: &Program, from: Id, to: Id) -> Program {
    let mut program = program.clone();
    for id in ids(&mut program).filter(|id| **id == from) {
        *id = to;
    }
    program
}

/// A step computes something else, perhaps of something else.
pub(super) fn replaced(program: &Program, at: Id, op: Op, args: &[Id]) -> Program {
    let mut program = program.clone();
    let node = &mut program.nodes[at.index()];
    (node.op, node.args) = (op, args.to_vec());
    program
}

/// One more step before another; what is read later keeps its meaning. The new step has the index `before` had.
pub(super) fn inserted(program: &Program, before: Id, op: Op, args: &[Id]) -> Program {
    let mut program = program.clone();
    let moved = |id: Id| if id >= before { Id::new(id.index() + 1) } else { id };
    for id in ids(&mut program) {
        *id = moved(*id);
    }
    let like = args.first().map_or(before, |arg| *arg).index();
    let Node { ty, place, .. } = program.nodes[like].clone();
    program.nodes.insert(before.index(), Node { op, args: args.to_vec(), ty, place });
    program
}

/// One argument of a step passes through one more operation first.
pub(super) fn wrapped(program: &Program, at: Id, argument: usize, op: Op) -> Program {
    let arg = program.node(at).args[argument];
    let mut program = inserted(program, at, op, &[arg]);
    program.nodes[at.index() + 1].args[argument] = at;
    program
}

/// Every step for which the change has something to say.
pub(super) fn everywhere<C: IntoIterator<Item = Program>>(
    program: &Program,
    change: impl Fn(Id, &Node) -> C,
) -> Vec<Program> {
    program.nodes.iter().enumerate().flat_map(|(i, node)| change(Id::new(i), node)).collect()
}

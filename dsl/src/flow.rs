//! What in a program depends on what.

use crate::ir::{Depth, Id, Node, Op, Program};

/// For each node, whether one of these depends on it.
pub(crate) fn read_by(program: &Program, ends: impl IntoIterator<Item = Id>) -> Vec<bool> {
    backwards(program, ends, |node| &node.args)
}

/// For each node, whether a gradient reaches it from one of these.
pub(crate) fn gradient_from(program: &Program, ends: impl IntoIterator<Item = Id>) -> Vec<bool> {
    backwards(program, ends, gradient_goes_to)
}

/// For each node, whether the loss, a metric or what a state is at first or next depends on it.
pub(crate) fn read(program: &Program) -> Vec<bool> {
    let states = program.states.iter().flat_map(|state| state.next.iter().copied().chain([state.initial]));
    read_by(program, results(program).chain(states))
}

/// What a step of training shows: the loss and the metrics.
pub(crate) fn results(program: &Program) -> impl Iterator<Item = Id> {
    program.root.into_iter().chain(program.metrics.iter().map(|metric| metric.node))
}

/// For each node, whether it is made of anything in the batch: a state, like a hyper-parameter, is not.
#[must_use]
pub fn of_the_batch(program: &Program) -> Vec<bool> {
    let mut made: Vec<bool> = Vec::with_capacity(program.nodes.len());
    for node in &program.nodes {
        let here = node.ty.depth > Depth::Batch || node.args.iter().any(|arg| made[arg.index()]);
        made.push(here);
    }
    made
}

fn backwards(program: &Program, ends: impl IntoIterator<Item = Id>, through: impl Fn(&Node) -> &[Id]) -> Vec<bool> {
    let mut reached = vec![false; program.nodes.len()];
    for end in ends {
        reached[end.index()] = true;
    }
    for (i, node) in program.nodes.iter().enumerate().rev() {
        if reached[i] {
            through(node).iter().for_each(|arg| reached[arg.index()] = true);
        }
    }
    reached
}

/// The arguments to which a step hands the gradient of its result on.
pub(crate) fn gradient_goes_to(node: &Node) -> &[Id] {
    match node.op {
        // What decides which one is taken has none.
        Op::Choose => node.args.get(1..).unwrap_or_default(),
        _ if passes_gradient(&node.op) => &node.args,
        _ => &[],
    }
}

/// Does this operation hand the gradient of its result on to its arguments?
fn passes_gradient(op: &Op) -> bool {
    match op {
        Op::Constant | Op::Positive | Op::TopWords => false,
        Op::Input { .. }
        | Op::Parameter(_)
        | Op::Literal(_)
        | Op::Plus
        | Op::Minus
        | Op::Times
        | Op::Over
        | Op::Negative
        | Op::Smaller
        | Op::Larger
        | Op::Clip
        | Op::Exponential
        | Op::Logarithm
        | Op::Magnitude
        | Op::Logistic
        | Op::LogLogistic
        | Op::Square
        | Op::Total
        | Op::Average
        | Op::AverageAll
        | Op::Recast(_)
        | Op::EveryPrompt
        | Op::OthersMean
        | Op::GroupMean
        | Op::GroupLogSoftmax
        | Op::Root
        | Op::LogComplement
        | Op::LogInterval
        | Op::Choose
        | Op::Estimate(_)
        | Op::GroupSpread
        | Op::OthersSpread
        | Op::BatchSpread
        | Op::Sorted
        | Op::Length
        | Op::Overlap(_)
        | Op::Following
        | Op::DiscountedSum
        | Op::AtLast
        | Op::Mixture
        | Op::Renormalised => true,
    }
}

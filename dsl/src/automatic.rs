//! What every traced program gets without being asked.

use crate::ir::{Depth, Id, KindTag, Metric, Node, Op, Program, STATE, SideTag};
use crate::rules::infer;

/// What is reported of the rewards of a pair, under TRL's names: of the chosen response, of the rejected one, of their
/// difference, and how often it is positive.
pub(crate) const REWARDS: [&str; 4] = ["rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies"];

/// Removes the scores of a data view that the formula does not read: a view offers all it has.
pub(crate) fn drop_unread(program: &mut Program, offered: &[Id]) {
    let mut read = vec![true; program.nodes.len()];
    for id in offered {
        read[id.index()] =
            program.nodes.iter().any(|n| n.args.contains(id)) || program.metrics.iter().any(|m| m.node == *id);
    }
    let mut moved = Vec::with_capacity(read.len());
    let mut next = 0;
    for read in &read {
        moved.push(Id::new(next));
        next += usize::from(*read);
    }
    let mut reads = read.iter();
    program.nodes.retain(|_| *reads.next().unwrap_or(&true));
    let renamed = program
        .nodes
        .iter_mut()
        .flat_map(|n| &mut n.args)
        .chain(&mut program.root)
        .chain(program.metrics.iter_mut().map(|m| &mut m.node))
        .chain(program.states.iter_mut().flat_map(|state| std::iter::once(&mut state.initial).chain(&mut state.next)));
    for id in renamed {
        *id = moved[id.index()];
    }
}

/// Adds the implicit rewards of a pair, if the formula compares them, and the log-probability the actor gives to
/// the responses of each side; and every state as the step uses it. A metric the formula reports itself under the same
/// name stays.
pub(crate) fn add_metrics(program: &mut Program) {
    if let Some((chosen, rejected, margin)) = reward_margin(program) {
        for (name, node) in REWARDS.into_iter().zip([chosen, rejected, margin]) {
            add(program, name, |_| node);
        }
        add(program, REWARDS[3], |program| step(program, Op::Positive, margin));
    }
    let logps: Vec<_> =
        program.inputs().filter(|i| (i.1, i.2) == ("actor", "logp")).filter_map(|i| Some((i.0, i.3.side?))).collect();
    for (logp, side) in logps {
        add(program, &format!("logps/{}", side.name().to_lowercase()), |p| step(p, Op::Total, logp));
    }
    let names: Vec<String> = program.states.iter().map(|state| state.name.clone()).collect();
    for name in names {
        if let Some(input) = program.state_input(&name) {
            add(program, &format!("{STATE}/{name}"), |_| input);
        }
    }
}

/// The first difference of two live rewards, chosen minus rejected.
fn reward_margin(program: &Program) -> Option<(Id, Id, Id)> {
    program.nodes.iter().enumerate().find_map(|(i, node)| {
        let &[l, r] = node.args.as_slice() else { return None };
        let is = |id: Id, side: SideTag| {
            let ty = program.node(id).ty;
            (ty.kind, ty.depth, ty.side) == (KindTag::Reward, Depth::EachResponse, Some(side))
        };
        let found = node.op == Op::Minus && node.ty.live && is(l, SideTag::Chosen) && is(r, SideTag::Rejected);
        found.then_some((l, r, Id::new(i)))
    })
}

fn add(program: &mut Program, name: &str, node: impl FnOnce(&mut Program) -> Id) {
    if !program.metrics.iter().any(|m| m.name == name) {
        let node = node(program);
        program.metrics.push(Metric { name: name.to_owned(), node });
    }
}

/// The step `op(arg)`: the one the formula has, or else a new one at the end, as if written where `arg` was.
fn step(program: &mut Program, op: Op, arg: Id) -> Id {
    let found = program.nodes.iter().position(|n| n.op == op && n.args == [arg]);
    Id::new(found.unwrap_or_else(|| {
        let Node { ty, place, .. } = program.node(arg).clone();
        let ty = infer(&op, &[ty]).expect("every margin has a sign and every token axis a sum");
        program.nodes.push(Node { op, args: vec![arg], ty, place });
        program.nodes.len() - 1
    }))
}

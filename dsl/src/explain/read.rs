//! From a program's steps to expressions.

use super::expression::{About, Ex, Form, Function, How, Store, Whose};
use crate::ir::{Depth, Estimator, KindTag, Node, Op, Program, SideTag};
use std::collections::BTreeMap;

/// The expression of every step. Hyper-parameters in `fixed` are replaced by their numbers.
pub(super) fn read(program: &Program, store: &mut Store, fixed: &BTreeMap<&str, f64>) -> Vec<Ex> {
    let mut read: Vec<Ex> = Vec::new();
    for node in &program.nodes {
        let args: Vec<Ex> = node.args.iter().map(|arg| read[arg.index()]).collect();
        let whose = node.ty.side.map_or(Whose::Nobody, Whose::Side);
        let about = About { kind: node.ty.kind, depth: node.ty.depth, whose, live: node.ty.live };
        read.push(expression(program, node, &args, about, store, fixed));
    }
    read
}

/// Who gives the lengths of responses.
pub(super) const LAYOUT: &str = "";

fn number(store: &mut Store, number: f64) -> Ex {
    let about = About { kind: KindTag::Number, depth: Depth::Constant, whose: Whose::Nobody, live: false };
    store.simplest(Form::Number(number.to_bits()), about)
}

/// The share of a normal distribution below an edge; nothing, or all of it, where the interval is open.
fn below(edge: Ex, about: About, store: &mut Store) -> Ex {
    match store.number_of(edge) {
        Some(edge) if edge.abs() > 1e3 => number(store, if edge > 0.0 { 1.0 } else { 0.0 }),
        _ => store.simplest(Form::Call(Function::NormalBelow, vec![edge]), about),
    }
}

/// An estimate of a divergence in full.
fn estimate(estimator: Estimator, p: Ex, q: Ex, about: About, store: &mut Store) -> Ex {
    let ratio = About { kind: KindTag::LogRatio, ..about };
    match estimator {
        Estimator::K1 => store.simplest(Form::Minus(p, q), about),
        Estimator::AbsK1 => {
            let ratio = store.simplest(Form::Minus(p, q), ratio);
            store.simplest(Form::Call(Function::Magnitude, vec![ratio]), about)
        }
        Estimator::K2 => {
            let ratio = store.simplest(Form::Minus(p, q), ratio);
            let square = store.simplest(Form::Call(Function::Square, vec![ratio]), about);
            let half = number(store, 0.5);
            store.simplest(Form::Times(half, square), about)
        }
        Estimator::K3 => {
            let back = store.simplest(Form::Minus(q, p), ratio);
            let grown = store.simplest(Form::Call(Function::Exponential, vec![back]), about);
            let one = number(store, 1.0);
            let above = store.simplest(Form::Minus(grown, one), about);
            store.simplest(Form::Minus(above, back), about)
        }
    }
}

fn expression(
    program: &Program,
    node: &Node,
    args: &[Ex],
    about: About,
    store: &mut Store,
    fixed: &BTreeMap<&str, f64>,
) -> Ex {
    let mut call = |function| store.simplest(Form::Call(function, args.to_vec()), about);
    match &node.op {
        Op::Input { owner, field } => {
            let (owner, field) = (owner.clone(), field.clone());
            store.simplest(Form::Given { owner, field, depth: about.depth, whose: about.whose }, about)
        }
        Op::Parameter(name) => {
            let form = match fixed.get(name.as_str()) {
                Some(number) => Form::Number(number.to_bits()),
                None => Form::Parameter(name.clone()),
            };
            store.simplest(form, about)
        }
        Op::Literal(number) => store.simplest(Form::Number(number.to_bits()), about),
        Op::Plus => store.simplest(Form::Plus(args[0], args[1]), about),
        Op::Minus => store.simplest(Form::Minus(args[0], args[1]), about),
        Op::Times if args[0] == args[1] => store.simplest(Form::Call(Function::Square, vec![args[0]]), about),
        Op::Times => store.simplest(Form::Times(args[0], args[1]), about),
        Op::Over => store.simplest(Form::Over(args[0], args[1]), about),
        Op::Negative => store.simplest(Form::Negative(args[0]), about),
        Op::Smaller => call(Function::Smaller),
        Op::Larger => call(Function::Larger),
        Op::Clip => call(Function::Clip),
        Op::Exponential => call(Function::Exponential),
        Op::Logarithm => call(Function::Logarithm),
        Op::Magnitude => call(Function::Magnitude),
        Op::Logistic => call(Function::Logistic),
        Op::LogLogistic => call(Function::LogLogistic),
        Op::Square => call(Function::Square),
        Op::Positive => call(Function::Positive),
        Op::Root => call(Function::Root),
        Op::LogComplement => {
            let grown = store.simplest(Form::Call(Function::Exponential, args.to_vec()), about);
            let one = number(store, 1.0);
            let rest = store.simplest(Form::Minus(one, grown), about);
            store.simplest(Form::Call(Function::Logarithm, vec![rest]), about)
        }
        Op::LogInterval => {
            let (low, high) = (below(args[0], about, store), below(args[1], about, store));
            let between = store.simplest(Form::Minus(high, low), about);
            store.simplest(Form::Call(Function::Logarithm, vec![between]), about)
        }
        Op::Choose => call(Function::Choose),
        Op::Estimate(estimator) => estimate(*estimator, args[0], args[1], about, store),
        Op::GroupSpread => call(Function::GroupSpread),
        Op::OthersSpread => call(Function::OthersSpread),
        Op::BatchSpread => call(Function::BatchSpread),
        Op::Sorted => call(Function::Sorted),
        Op::Length | Op::Overlap(_) => {
            let (owner, field) = (LAYOUT.to_owned(), node.op.word().to_owned());
            store.simplest(Form::Given { owner, field, depth: about.depth, whose: about.whose }, about)
        }
        Op::Following => call(Function::Following),
        Op::DiscountedSum => call(Function::DiscountedSum),
        Op::AtLast => call(Function::AtLast),
        Op::OthersMean => call(Function::OthersMean),
        Op::GroupMean => call(Function::GroupMean),
        Op::GroupLogSoftmax => call(Function::GroupLogSoftmax),
        Op::Mixture => call(Function::Mixture),
        Op::TopWords => call(Function::TopWords),
        Op::Renormalised => call(Function::Renormalised),
        // What carries no gradient has none to stop.
        Op::Constant if !program.node(node.args[0]).ty.live => args[0],
        Op::Constant => call(Function::Stopped),
        Op::Recast(_) => {
            if program.node(node.args[0]).ty.depth > Depth::Constant {
                store.recast(args[0], about.kind);
            }
            args[0]
        }
        Op::EveryPrompt => args[0],
        Op::Total | Op::Average | Op::AverageAll => {
            let how = match node.op {
                Op::Total => How::Sum,
                Op::Average => How::Mean,
                _ => How::MeanAll,
            };
            let from = program.node(node.args[0]).ty;
            // These have one response to each prompt: a sum or mean over it is the value itself.
            let single = [SideTag::Chosen, SideTag::Rejected, SideTag::Answer];
            let alone = from.depth == Depth::EachResponse && from.side.is_some_and(|side| single.contains(&side));
            if alone && node.op != Op::AverageAll {
                return args[0];
            }
            let whose = from.side.map_or(Whose::Nobody, Whose::Side);
            store.simplest(Form::Reduced { how, over: from.depth, whose, of: args[0] }, about)
        }
    }
}

//! From a program's steps to expressions.

use super::expression::{About, Ex, Form, Function, How, Store, Whose};
use crate::ir::{Depth, Node, Op, Program, SideTag};
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
        Op::OthersMean => call(Function::OthersMean),
        Op::GroupMean => call(Function::GroupMean),
        Op::GroupLogSoftmax => call(Function::GroupLogSoftmax),
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

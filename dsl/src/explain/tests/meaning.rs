//! A simplified formula has the value of the program it was read from.

use crate::by_hand::{Hand, Noise, settings};
use crate::eval::{self, Inputs, Settings};
use crate::explain::expression::{Ex, Form, Function, Store};
use crate::explain::lines::Formula;
use crate::ir::{Id, KindTag, Op, Program, SideTag};
use crate::{Layout, Reach};
use std::collections::BTreeMap;

const SIDE: SideTag = SideTag::Answer;

/// The value on a batch of one token, where every sum and mean is of one number.
fn value(store: &Store, ex: Ex, given: f64, settings: &Settings) -> f64 {
    let of = |ex: &Ex| value(store, *ex, given, settings);
    match store.form(ex) {
        Form::Number(bits) => f64::from_bits(*bits),
        Form::Parameter(name) => settings[name],
        Form::Given { .. } => given,
        Form::Plus(a, b) => of(a) + of(b),
        Form::Minus(a, b) => of(a) - of(b),
        Form::Times(a, b) => of(a) * of(b),
        Form::Over(a, b) => of(a) / of(b),
        Form::Negative(a) => -of(a),
        Form::Reduced { of: a, .. } => of(a),
        Form::Count { .. } | Form::Slope(_) | Form::Back { .. } => unreachable!("only gradients have these"),
        Form::Call(function, args) => {
            let x = of(&args[0]);
            match function {
                Function::Smaller => x.min(of(&args[1])),
                Function::Larger => x.max(of(&args[1])),
                Function::Clip => x.clamp(of(&args[1]), of(&args[2])),
                Function::Exponential => x.exp(),
                Function::Logarithm => x.ln(),
                Function::Magnitude => x.abs(),
                Function::Logistic => eval::logistic(x),
                Function::LogLogistic => eval::log_logistic(x),
                Function::Square => x * x,
                Function::Positive => f64::from(u8::from(x > 0.0)),
                Function::Stopped | Function::GroupMean => x,
                Function::GroupLogSoftmax => 0.0,
                Function::OthersMean => f64::NAN,
                Function::Mixture | Function::TopWords | Function::Renormalised => {
                    unreachable!("of words, none is drawn")
                }
                Function::AtMost | Function::Below | Function::Inside | Function::Sign | Function::NormalDensity => {
                    unreachable!("only gradients have these")
                }
                Function::Root => x.sqrt(),
                Function::NormalBelow => eval::log_normal_below(x).exp(),
                Function::Choose => of(&args[if x > 0.0 { 1 } else { 2 }]),
                Function::GroupSpread | Function::OthersSpread | Function::BatchSpread | Function::Following => 0.0,
                Function::Sorted | Function::DiscountedSum | Function::AtLast => x,
            }
        }
    }
}

/// Steps drawn at random from those that trivial terms come from.
fn random(noise: &mut Noise) -> Program {
    let mut hand = Hand::new("random");
    let mut steps: Vec<Id> = vec![hand.logp("actor", SIDE), hand.parameter("beta"), hand.parameter("epsilon")];
    for number in [0.0, 1.0, -1.0, 2.0, -3.0] {
        steps.push(hand.number(number));
    }
    let ops = [Op::Plus, Op::Minus, Op::Times, Op::Over, Op::Negative, Op::Smaller, Op::Square, Op::Constant];
    for _ in 0..12 {
        let op = ops[noise.below(ops.len())].clone();
        let args: Vec<Id> = (0..op.arity()).map(|_| steps[noise.below(steps.len())]).collect();
        steps.push(hand.op(op, KindTag::Reward, &args));
    }
    // Something of the batch is in it, whatever was drawn.
    let last = hand.op(Op::Minus, KindTag::Reward, &[steps[steps.len() - 1], steps[0]]);
    let mean = hand.op(Op::AverageAll, KindTag::Loss, &[last]);
    let lost = hand.op(Op::Negative, KindTag::Loss, &[mean]);
    hand.mean_loss(lost)
}

#[test]
fn a_simplified_formula_means_what_the_program_means() {
    let mut noise = Noise(21);
    let layout = Layout { prompts: 1, sides: vec![(SIDE, vec![Reach { prompt: 0, tokens: 1 }])], words: 0 };
    let mut compared = 0;
    for round in 0..2000 {
        let program = random(&mut noise);
        let given = noise.between(-2.0, 2.0);
        let mut inputs = Inputs::new();
        inputs.insert("actor", "logp", Some(SIDE), vec![given]);
        let settings = settings(&[("beta", noise.between(0.1, 2.0)), ("epsilon", 0.0)]);
        let Ok(expected) = eval::evaluate(&program, &layout, &layout.totals(), &inputs, &settings) else { continue };
        for fixed in [BTreeMap::new(), BTreeMap::from([("epsilon", 0.0)])] {
            let formula = Formula::new(&program, &fixed).unwrap();
            let found = value(&formula.store, formula.root, given, &settings);
            let error = (found - expected.loss).abs();
            assert!(
                error <= 1e-9 * (1.0 + found.abs()),
                "round {round}: {found}, expected {}\n{program}",
                expected.loss
            );
            compared += 1;
        }
    }
    assert!(compared > 1000, "only {compared} programs had a value");
}

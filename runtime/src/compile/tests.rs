//! A step on live log-probabilities is the evaluation of the same program on the same numbers.

use super::{evaluate, step};
use crate::{bridge, model::Live};
use collimate_dsl::eval::{Inputs, Settings};
use collimate_dsl::ir::{Program, SideTag};
use collimate_dsl::{Layout, Reach, text};
use dfdx::prelude::Cpu;
use std::{cell::RefCell, rc::Rc};

const ACTOR: [f32; 7] = [-0.5, -1.0, -0.25, -2.0, -1.5, -0.75, -3.0];
const MARGIN: &str = "
program margin
%0 = input actor.logp : LogProb per token of Chosen, grad
%1 = input reference.logp : LogProb per token of Chosen
%2 = %0 - %1 : LogRatio per token of Chosen, grad
%3 = sum %2 : LogRatio per response of Chosen, grad
%4 = input actor.logp : LogProb per token of Rejected, grad
%5 = sum %4 : LogRatio per response of Rejected, grad
%6 = %3 - %5 : Margin per prompt, grad
%7 = log_sigmoid %6 : LogProb per prompt, grad
%8 = mean %7 : LogProb per batch, grad
%9 = -%8 : Loss per batch, grad
loss %9
metric margin %6
";

fn given() -> (Program, Layout, Inputs) {
    let reach = |prompt, tokens| Reach { prompt, tokens };
    // The rejected side stands first: the engine's order is the layout's, whatever the program reads first.
    let sides =
        vec![(SideTag::Rejected, vec![reach(0, 1), reach(1, 2)]), (SideTag::Chosen, vec![reach(0, 3), reach(1, 1)])];
    let mut inputs = Inputs::new();
    inputs.insert("reference", "logp", Some(SideTag::Chosen), vec![-1.0, -1.0, -0.5, -2.5]);
    let program = text::parse(MARGIN).unwrap_or_else(|error| panic!("{error}"));
    (program, Layout { prompts: 2, sides, words: 0 }, inputs)
}

fn live(values: &[f32], seen: &Rc<RefCell<Vec<f32>>>) -> Live<Cpu> {
    let kept = Rc::clone(seen);
    bridge::node(&Cpu::default(), values.to_vec(), move |gradient| *kept.borrow_mut() = gradient).unwrap()
}

#[test]
fn a_step_sends_the_engine_the_gradient_of_the_evaluation() {
    let (program, layout, inputs) = given();
    let seen = Rc::default();
    let (device, settings) = (Cpu::default(), Settings::new());
    let live = live(&ACTOR, &seen);
    let (outcome, _) = step(&device, &program, &layout, &layout.totals(), &inputs, &settings, live).unwrap();

    let mut all = inputs;
    let widened = |range: std::ops::Range<usize>| ACTOR[range].iter().copied().map(f64::from).collect();
    all.insert("actor", "logp", Some(SideTag::Rejected), widened(0..3));
    all.insert("actor", "logp", Some(SideTag::Chosen), widened(3..7));
    let expected = evaluate(&program, &layout, &layout.totals(), &all, &settings).unwrap();
    assert_eq!((outcome.loss, &outcome.metrics), (expected.loss, &expected.metrics));
    let gradient = [SideTag::Rejected, SideTag::Chosen]
        .into_iter()
        .flat_map(|side| expected.gradient.get("actor", "logp", Some(side)).unwrap().to_vec());
    let gradient: Vec<f32> = gradient.map(|g| g as f32).collect();
    assert_eq!(*seen.borrow(), gradient);
    assert!(gradient[0] > 0.0 && gradient[6] < 0.0, "rejected is lowered, chosen raised: {gradient:?}");
}

#[test]
fn scores_of_another_batch_are_refused() {
    let (program, layout, inputs) = given();
    let live = live(&ACTOR[1..], &Rc::default());
    let fault = step(&Cpu::default(), &program, &layout, &layout.totals(), &inputs, &Settings::new(), live);
    assert_eq!(fault.err().unwrap().to_string(), "an engine gave 6 numbers where the batch asks for 7");
}

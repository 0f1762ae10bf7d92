//! What losses carry from step to step is what an independent script says, from its definition, over five steps.
//!
//! `golden/states.json` is what `golden/make_states.py` wrote, in float64. Here the number is carried on from nothing, as
//! training does it; values, gradients and what is carried agree to 1e-9, and what runs in training to 1e-5.

use collimate::ALL;
use collimate_dsl::eval::{self, Evaluation, Inputs, Settings, give_state, initial_state, next_state};
use collimate_dsl::ir::Program;
use collimate_dsl::{Layout, Totals};
use collimate_runtime::compile;
use collimate_tests::golden::{Case, Golden, close};

type Run = fn(&Program, &Layout, &Totals, &Inputs, &Settings) -> Evaluation;

fn evaluator(p: &Program, layout: &Layout, totals: &Totals, inputs: &Inputs, settings: &Settings) -> Evaluation {
    eval::evaluate(p, layout, totals, inputs, settings).unwrap_or_else(|error| panic!("{}: {error}", p.name))
}
fn trained(p: &Program, layout: &Layout, totals: &Totals, inputs: &Inputs, settings: &Settings) -> Evaluation {
    compile::evaluate(p, layout, totals, inputs, settings).unwrap_or_else(|error| panic!("{}: {error}", p.name))
}

/// Every run of the file: the steps of one loss at one setting.
fn runs(golden: &Golden) -> Vec<Vec<&Case>> {
    let mut runs: Vec<Vec<&Case>> = Vec::new();
    for case in &golden.cases {
        match (case.step, runs.last_mut()) {
            (Some(step), Some(run)) if step > 0 => run.push(case),
            _ => runs.push(vec![case]),
        }
    }
    runs
}

fn carry(run: &[&Case], golden: &Golden, by: Run, precision: f64) {
    let (program, settings) = ((run[0].algorithm().trace)(), run[0].settings());
    let mut state = initial_state(&program, &settings).expect("it can begin");
    for (step, case) in run.iter().enumerate() {
        let what = format!("{}, step {step}", case.name);
        assert_eq!((case.step, case.settings()), (Some(step), settings.clone()), "{what}");
        let (layout, inputs) = golden.batch(&case.batch);
        let mut inputs = inputs.clone();
        give_state(&mut inputs, &state);
        let found = by(&program, layout, &layout.totals(), &inputs, &settings);
        close(&format!("{what}: loss"), &[found.loss], &[case.loss], precision);
        for (owner, field, side, gradient) in found.gradient.iter() {
            let expected = case.gradient(owner, field, side, gradient.len());
            close(&format!("{what}: gradient by {owner}.{field}"), gradient, &expected, precision);
        }
        state = next_state(&program, &found.shares, &state, &settings).expect("it can go on");
        assert_eq!(state.keys().collect::<Vec<_>>(), case.next.keys().collect::<Vec<_>>(), "{what}");
        for (name, value) in &state {
            close(&format!("{what}: {name}"), &[*value], &[case.next[name]], precision);
        }
    }
}

#[test]
fn what_is_carried_is_what_its_definition_says() {
    let golden = Golden::read("states.json");
    runs(&golden).iter().for_each(|run| carry(run, &golden, evaluator, 1e-9));
}

#[test]
fn what_is_trained_carries_it_too() {
    let golden = Golden::read("states.json");
    runs(&golden).iter().for_each(|run| carry(run, &golden, trained, 1e-5));
}

#[test]
fn no_loss_with_a_state_is_without_numbers() {
    let golden = Golden::read("states.json");
    for algorithm in ALL.iter().filter(|algorithm| !(algorithm.trace)().states.is_empty()) {
        let runs = runs(&golden).into_iter().filter(|run| run[0].name == algorithm.name).map(|run| run.len());
        assert_eq!(
            runs.collect::<Vec<_>>(),
            [5, 5],
            "write a formula in tests/golden/make_states.py for {}",
            algorithm.name
        );
    }
}

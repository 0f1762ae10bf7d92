//! Every algorithm and preset gives the value and the gradient that an independent script gives.
//!
//! `golden/losses.json` is what `golden/make_losses.py` wrote, in float64 and from the papers' formulas: the evaluator
//! agrees to 1e-9, dfdx in f32 to 1e-5.

use collimate::ALL;
use collimate_dsl::eval::{self, Evaluation};
use collimate_runtime::compile;
use collimate_tests::golden::{Case, Golden, close, lacks};

/// How far apart they are at most.
fn same(what: &str, found: &Evaluation, case: &Case, precision: f64) -> f64 {
    let mut worst = close(&format!("{what}: loss"), &[found.loss], &[case.loss], precision);
    for (owner, field, side, gradient) in found.gradient.iter() {
        let what = format!("{what}: gradient by {}", eval::input_name(owner, field, side));
        let expected = case.gradient(owner, field, side, gradient.len());
        worst = worst.max(close(&what, gradient, &expected, precision));
    }
    worst
}

#[test]
fn the_evaluator_gives_the_numbers_of_an_independent_script() {
    let (golden, mut worst) = (Golden::read("losses.json"), 0.0_f64);
    for case in &golden.cases {
        let algorithm = case.algorithm();
        let (layout, inputs) = golden.batch(&case.batch);
        let found = eval::evaluate(&(algorithm.trace)(), layout, &layout.totals(), inputs, &case.settings());
        let found = found.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        worst = worst.max(same(&case.name, &found, case, 1e-9));
    }
    println!("{} cases, at most {worst:.1e} apart in f64", golden.cases.len());
}

#[test]
fn what_is_trained_gives_them_too() {
    let (golden, mut worst) = (Golden::read("losses.json"), 0.0_f64);
    for case in &golden.cases {
        let algorithm = case.algorithm();
        let (layout, inputs) = golden.batch(&case.batch);
        let found = compile::evaluate(&(algorithm.trace)(), layout, &layout.totals(), inputs, &case.settings());
        let found = found.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        worst = worst.max(same(&case.name, &found, case, 1e-5));
    }
    println!("{} cases, at most {worst:.1e} apart on dfdx", golden.cases.len());
}

#[test]
fn no_algorithm_is_without_numbers() {
    let missing = lacks(&Golden::read("losses.json"), &ALL);
    assert!(missing.is_empty(), "write a formula in tests/golden/losses for {}", missing.join(", "));
}

//! Every algorithm and preset gives the value and the gradient that an independent script gives.
//!
//! `golden/losses.json` is what `golden/make_losses.py` wrote, in float64 and from the papers' formulas: the evaluator
//! agrees to 1e-9, dfdx in f32 to 1e-5.

use collimate::ALL;
use collimate_dsl::eval::{self, Evaluation};
use collimate_runtime::compile;
use collimate_tests::golden::{Case, Golden, close, lacks};

fn same(what: &str, found: &Evaluation, case: &Case, precision: f64) {
    close(&format!("{what}: loss"), &[found.loss], &[case.loss], precision);
    for (owner, field, side, gradient) in found.gradient.iter() {
        let name = eval::input_name(owner, field, side);
        close(
            &format!("{what}: gradient by {name}"),
            gradient,
            &case.gradient(owner, field, side, gradient.len()),
            precision,
        );
    }
}

#[test]
fn the_evaluator_gives_the_numbers_of_an_independent_script() {
    let golden = Golden::read("losses.json");
    for case in &golden.cases {
        let algorithm = case.algorithm();
        let (layout, inputs) = golden.batch(&case.batch);
        let found = eval::evaluate(&(algorithm.trace)(), layout, &layout.totals(), inputs, &case.settings());
        let found = found.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        same(&case.name, &found, case, 1e-9);
    }
}

#[test]
fn what_is_trained_gives_them_too() {
    let golden = Golden::read("losses.json");
    for case in &golden.cases {
        let algorithm = case.algorithm();
        let (layout, inputs) = golden.batch(&case.batch);
        let found = compile::evaluate(&(algorithm.trace)(), layout, &layout.totals(), inputs, &case.settings());
        let found = found.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        same(&case.name, &found, case, 1e-5);
    }
}

#[test]
fn no_algorithm_is_without_numbers() {
    let missing = lacks(&Golden::read("losses.json"), &ALL);
    assert!(missing.is_empty(), "write a formula in tests/golden/losses for {}", missing.join(", "));
}

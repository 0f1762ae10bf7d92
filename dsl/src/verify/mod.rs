//! Whole-program rules: what neither the macros nor rustc can see.
//!
//! | code | rule |
//! |---|---|
//! | V01 | every step refers to earlier ones and has the type of the typing table; the last is one loss for the batch |
//! | V02 | every input reaches the loss or a metric |
//! | V03 | every hyper-parameter that is declared is read |
//! | V04 | every hyper-parameter that is read is declared |
//! | V05 | no metric's name is given twice |
//! | V06 | every number in the formula is finite |
//! | V07 | every trainable policy receives a gradient from the loss |
//! | V08 | no loss or divergence is multiplied by a negative number |
//! | V09 | no difference or quotient is of a value and itself |
//! | V10 | no minus stands before another |
//! | V11 | no logarithm, and no loss, is a weight |
//! | V12 | a formula that promises that its batch can be cut can be cut |
//! | V13 | no estimate of a divergence is trained through whose gradient is not a divergence's |
//! | V14 | the two sides of a margin are reduced alike |
//! | V20 | every state is declared once, updated once and read |
//!
//! The ladder of checks, and what each rung leaves to the next:
//!
//! | rung | decides | when it cannot |
//! |---|---|---|
//! | S, the macros | spelling, roles, signatures, ranges, unused names | leaves it to rustc |
//! | Q, the types | kinds, sides, axes, gradients, across crates | leaves the flow of data to the verifier |
//! | V, here | gradient paths, unused inputs and hyper-parameters, signs | never: it decides every rule above |
//! | the run | finite values, ranges from run files, shapes of real batches | stops with both sides named |

mod problem;
mod v01_types;
mod v02_unread_input;
mod v03_unread_parameter;
mod v04_undeclared_parameter;
mod v05_metric_twice;
mod v06_infinite_number;
mod v07_no_gradient;
mod v08_negative_penalty;
mod v09_nothing_left;
mod v10_double_minus;
mod v11_logarithm_as_weight;
mod v12_promise;
mod v13_estimator;
mod v14_uneven_sides;
mod v20_state;

pub use problem::Problem;

use crate::ir::Program;
use crate::{Algorithm, Spec};

/// A rule looks at a program and its hyper-parameters and says what is wrong.
type Rule = fn(&Program, &[Spec]) -> Vec<Problem>;

/// Every rule that may take for granted that steps refer to earlier steps.
const RULES: [Rule; 14] = [
    v01_types::check,
    v02_unread_input::check,
    v03_unread_parameter::check,
    v04_undeclared_parameter::check,
    v05_metric_twice::check,
    v06_infinite_number::check,
    v07_no_gradient::check,
    v08_negative_penalty::check,
    v09_nothing_left::check,
    v10_double_minus::check,
    v11_logarithm_as_weight::check,
    v13_estimator::check,
    v14_uneven_sides::check,
    v20_state::check,
];

/// Everything that is wrong with a program, by rule and then in the order it was written.
#[must_use]
pub fn verify(program: &Program, specs: &[Spec]) -> Vec<Problem> {
    let dangling = v01_types::dangling(program);
    if dangling.is_empty() { RULES.iter().flat_map(|rule| rule(program, specs)).collect() } else { dangling }
}

/// Everything that is wrong with an algorithm: with its program, and with what it promises.
#[must_use]
pub fn verify_algorithm(algorithm: &Algorithm) -> Vec<Problem> {
    verify_promised(&(algorithm.trace)(), &(algorithm.hyper)(), algorithm.separable)
}

/// Everything that is wrong with a program that may have been promised to be separable.
pub(crate) fn verify_promised(program: &Program, specs: &[Spec], promised: bool) -> Vec<Problem> {
    let mut problems = verify(program, specs);
    if problems.is_empty() {
        problems.extend(v12_promise::check(program, promised));
    }
    problems
}

/// What the test beside every `#[algorithm]` asks for.
///
/// # Panics
/// With everything that is wrong, if anything is.
#[track_caller]
pub fn assert_well_formed(algorithm: &Algorithm) {
    let problems = verify_algorithm(algorithm);
    let text: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "`{}` is not well formed:\n\n{}", algorithm.name, text.join("\n"));
}

/// For the tests of the rules.
#[cfg(test)]
mod trial {
    use super::verify;
    use crate::ir::Program;
    use crate::{Arg, Interval, Spec, trace};
    crate::prelude!();

    /// A second policy that is trained.
    pub(super) struct Partner;
    impl Policy for Partner {
        type Grad = Grad;
        const OWNER: &'static str = "partner";
        const FROM: Option<&'static str> = None;
        const REFRESH: Option<&'static str> = None;
    }

    /// A hyper-parameter with a positive range.
    pub(super) fn positive(name: &'static str) -> Spec {
        let range = Interval { above: Some(0.0), ..Interval::default() };
        Spec { name, about: "For a test.", default: 1.0, range, whole: false }
    }

    /// The codes of all problems.
    pub(super) fn codes(program: &Program, specs: &[Spec]) -> Vec<&'static str> {
        verify(program, specs).iter().map(|problem| problem.code).collect()
    }

    /// DPO as its author would write it, with nothing wrong.
    pub(super) fn sound() -> Program {
        trace("dpo", || {
            let (actor, reference, pair) = (Actor::arg(), Reference::arg(), Pair::arg());
            let chosen = (actor.logp(pair.chosen) - reference.logp(pair.chosen)).sum(Token);
            let rejected = (actor.logp(pair.rejected) - reference.logp(pair.rejected)).sum(Token);
            -log_sigmoid(0.1 * (chosen - rejected)).mean(Prompt)
        })
    }

    #[test]
    fn nothing_is_wrong_with_a_sound_program() {
        assert_eq!(verify(&sound(), &[]), vec![]);
    }
}

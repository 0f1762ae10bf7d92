//! Formulas that are written differently and are the same, and some that are not.

use super::looks::subject;
use crate::explain::difference::difference;
use crate::ir::Program;
use crate::{Arg, trace};
crate::prelude!();

fn identical(first: &Program, second: &Program) -> bool {
    difference(&subject(first, &[]), &subject(second, &[])).contains("  identical\n")
}

/// A loss of the mean log-probabilities of a pair.
fn pair(of: impl FnOnce(PerResponse<LogProb, Chosen>, PerResponse<LogProb, Rejected>) -> PerPrompt<Loss>) -> Program {
    trace("mine", || {
        let (actor, pair) = (Actor::arg(), Pair::arg());
        of(actor.logp(pair.chosen).mean(Token), actor.logp(pair.rejected).mean(Token)).mean(Prompt)
    })
}

#[test]
fn where_a_factor_or_a_minus_stands_is_no_difference() {
    let plain = pair(|a, b| -log_sigmoid((2.0 * (a - b)).treat_as::<Margin>("a test")));
    assert!(identical(&plain, &pair(|a, b| -log_sigmoid((2.0 * a - 2.0 * b).treat_as::<Margin>("a test")))));
    assert!(identical(&plain, &pair(|a, b| -(1.0 * log_sigmoid(((a - b) * 4.0 / 2.0).treat_as::<Margin>("a test"))))));
    assert!(!identical(&plain, &pair(|a, b| -log_sigmoid((a - b).treat_as::<Margin>("a test")))));
    assert!(!identical(&plain, &pair(|a, b| -log_sigmoid((-2.0 * (a - b)).treat_as::<Margin>("a test")))));
}

#[test]
fn a_square_has_no_sign() {
    let plain = pair(|a, b| (a - b - 1.0).squared().treat_as::<Loss>("a test"));
    assert!(identical(&plain, &pair(|a, b| (-1.0 * (a - b - 1.0)).squared().treat_as::<Loss>("a test"))));
    assert!(!identical(&plain, &pair(|a, b| (a - b + 1.0).squared().treat_as::<Loss>("a test"))));
}

//! V12: a formula that promises that its batch can be cut can be cut.
//!
//! `#[algorithm(…, separable)]` is such a promise, for formulas whose users count on one pass and on the memory of one
//! micro-batch. Without it a formula that needs the whole batch is no mistake: it runs in two passes.

use super::Problem;
use crate::eval::separable;
use crate::ir::Program;

/// What is wrong with a promise, if it was made.
pub(super) fn check(program: &Program, promised: bool) -> Option<Problem> {
    let why = separable(program).err().filter(|_| promised)?;
    let message = "this formula is declared `separable`, and its batch cannot be cut".to_owned();
    let help = "take a mean over the responses to a prompt instead of the batch, or take `separable` out";
    let mut problem = Problem::new("V12", message, &why.place, help);
    problem.notes.push(why.reason);
    Some(problem)
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::by_hand::{dpo, shifted};

    #[test]
    fn only_a_promise_can_be_broken() {
        assert_eq!(check(&dpo(), true), None);
        assert_eq!(check(&shifted(), false), None);
        let problem = check(&shifted(), true).unwrap();
        assert_eq!(problem.code, "V12");
        assert!(problem.notes[0].contains("whole batch"), "{problem}");
    }
}

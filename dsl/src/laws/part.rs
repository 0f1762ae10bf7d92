//! A part of a formula by itself.
//!
//! `#[reward]` and `#[loss]` write a test that calls the part on made-up arguments. What comes out is no loss yet, so
//! each of its numbers is weighed by one of its own and the mean is taken: a loss whose gradient sees every number of
//! the part, none of them with the same weight. The laws that say something of any formula are tried on it.

use super::subject::Subject;
use super::{LAWS, Law, Verdict};
use crate::ir::{Depth, KindTag, Op, Program, Ty};
use crate::kind::Loss;
use crate::level::{Quantity, Scalar};
use crate::made_up::{self, Declarations, GIVEN, Returned};
use crate::trace::{Handle, draft, input_of, step_of, trace, type_of};

/// What can be asked of a formula that is not a whole loss.
const ASKED: [&str; 6] = ["gradient", "closed", "strangers", "order", "cut", "far"];

/// A part as a program of its own, and what its arguments declare.
pub(super) fn program<R: Returned>(name: &str, part: impl FnOnce() -> R) -> (Program, Declarations) {
    drop(made_up::take());
    let program = trace(name, || -> Scalar<Loss> {
        let weighed: Vec<Handle> =
            part().handles().into_iter().enumerate().map(|(i, result)| weigh(i, result)).collect();
        let sum = weighed.into_iter().reduce(|sum, next| draft(Op::Plus, &[sum, next]));
        Scalar::of(sum.expect("a part returns a quantity at least"))
    });
    (program, made_up::take())
}

/// The mean of a result's numbers, each with a weight of its own.
fn weigh(index: usize, result: Handle) -> Handle {
    let ty = type_of(result);
    let result = if ty.depth == Depth::Constant { draft(Op::EveryPrompt, &[result]) } else { result };
    let ty = type_of(result);
    let cost = step_of(Op::Recast("what comes out of a part".to_owned()), &[result], Ty { kind: KindTag::Loss, ..ty });
    let weight = input_of(GIVEN, &format!("weight of result {index}"), Ty { kind: KindTag::Weight, live: false, ..ty });
    let weighed = draft(Op::Times, &[weight, cost]);
    if ty.depth > Depth::Batch { draft(Op::AverageAll, &[weighed]) } else { weighed }
}

/// Laws that a part breaks, one line each, and exceptions it does not need.
pub(super) fn complaints<R: Returned>(
    name: &str,
    exceptions: &[(&str, &str)],
    part: impl FnOnce() -> R,
) -> Vec<String> {
    let (program, declared) = program(name, part);
    let subject = Subject::new(&program, &declared.specs, declared.view);
    let asked = LAWS.iter().filter(|law| ASKED.contains(&law.name));
    let outcomes: Vec<(&str, Option<String>)> = asked.map(|law| (law.name, broken(law, &subject))).collect();
    let excepted = |law: &str| exceptions.iter().any(|(name, _)| *name == law);
    let wrong = outcomes.iter().filter_map(|(law, how)| {
        let how = how.as_ref().filter(|_| !excepted(law))?;
        Some(format!("law `{law}` is broken: {how}"))
    });
    let idle = exceptions.iter().filter_map(|(law, _)| match outcomes.iter().find(|(name, _)| name == law) {
        None => {
            let known = ASKED.join(", ");
            Some(format!("the exception from `{law}` is from no law that is asked of a part; there are {known}"))
        }
        Some((_, None)) => Some(format!("the exception from `{law}` is not needed: take it out")),
        Some((_, Some(_))) => None,
    });
    wrong.chain(idle).collect()
}

/// How a law is broken, if it is.
fn broken(law: &Law, subject: &Subject<'_>) -> Option<String> {
    // A live number of the whole batch is pushed by all of its parts together.
    let of_the_batch = subject.live().iter().any(|(.., ty)| ty.depth <= Depth::Batch);
    if of_the_batch && matches!(law.name, "cut" | "strangers") {
        return None;
    }
    match (law.try_on)(subject) {
        Ok(Verdict::Holds | Verdict::DoesNotApply(_)) => None,
        Ok(Verdict::Broken(how)) | Err(how) => Some(how),
    }
}

/// What the test beside every `#[reward]` and `#[loss]` asks for.
///
/// # Panics
/// With every law that is broken and not excepted, and every exception that is not needed.
#[track_caller]
pub fn assert_part_lawful<R: Returned>(name: &str, exceptions: &[(&str, &str)], part: impl FnOnce() -> R) {
    let complaints = complaints(name, exceptions, part);
    assert!(complaints.is_empty(), "`{name}`:\n{}", complaints.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::complaints;
    use crate::made_up::MadeUp;
    crate::prelude!();

    /// How many laws say that something is wrong, and the first of them.
    fn wrong(complaints: &[String]) -> Vec<&str> {
        complaints.iter().filter_map(|line| line.split('`').nth(1)).collect()
    }
    fn tokens() -> PerToken<LogProb, Chosen> {
        MadeUp::made_up("logp")
    }

    #[test]
    fn a_sound_part_breaks_no_law() {
        let sound = || {
            let (actor, y, beta) = (Actor::made_up("actor"), Reply::<Chosen>::made_up("y"), Param::made_up("beta"));
            beta * actor.logp(y).mean(Token).as_reward()
        };
        assert_eq!(complaints("sound", &[], sound), [""; 0]);
    }
    #[test]
    fn a_part_that_overflows_is_told() {
        let naive = || sigmoid(tokens().sum(Token).as_reward()).ln();
        assert_eq!(wrong(&complaints("naive", &[], naive)), ["far"]);
        assert_eq!(complaints("naive", &[("far", "a test")], naive), [""; 0]);
    }
    #[test]
    fn a_part_that_is_given_a_margin_is_tried_far_out_too() {
        let naive = || sigmoid(<PerPrompt<Margin> as MadeUp>::made_up("margin")).ln();
        assert_eq!(wrong(&complaints("naive", &[], naive)), ["far"]);
        let sound = || log_sigmoid(<PerPrompt<Margin> as MadeUp>::made_up("margin"));
        assert_eq!(complaints("sound", &[], sound), [""; 0]);
    }
    #[test]
    fn an_exception_that_is_not_needed_is_told() {
        let found = complaints("sound", &[("cut", "a test"), ("swap", "a test")], || tokens().sum(Token));
        assert_eq!(found[0], "the exception from `cut` is not needed: take it out");
        assert!(found[1].starts_with("the exception from `swap` is from no law that is asked of a part"), "{found:?}");
    }
    #[test]
    fn every_result_of_several_is_seen() {
        let two = || (tokens().sum(Token), sigmoid(tokens().sum(Token).as_reward()).ln());
        assert_eq!(wrong(&complaints("two", &[], two)), ["far"]);
    }
}

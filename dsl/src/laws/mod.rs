//! Laws that every algorithm obeys, tested without being asked for.
//!
//! `#[algorithm]` writes a test beside each algorithm that tries it on batches drawn from a fixed seed, at its default
//! settings and at others. A law is about what a loss is, not about one loss, so it knows views, sides and kinds and no
//! names. Where a law says nothing about a program, a rule in its file says why ([`Verdict::DoesNotApply`]). A formula
//! that breaks a law on purpose says so where it is declared,
//! `#[algorithm(except = "monotone: the square pulls a margin back that is too large")]`; `explain` prints it, and an
//! exception that is not needed fails the test as a broken law does.
//!
//! `#[reward]` and `#[loss]` write such a test for a part of a formula: called on made-up arguments, it is tried on the
//! laws `gradient`, `closed`, `strangers`, `order`, `cut` and `far`.
//!
//! | law | what it says |
//! |---|---|
//! | gradient | the gradient is the slope of the loss, by finite differences |
//! | closed | the gradient that `explain` writes down is that gradient |
//! | reaches | every response a trainable policy scores for the loss receives a gradient |
//! | strangers | what one prompt's log-probabilities are pushed by does not depend on other prompts |
//! | order | neither the order of prompts nor that of a group's members matters |
//! | cut | however a batch is cut, its parts add up to the whole |
//! | twice | a batch twice over costs what it costs once |
//! | start | before the first step the loss is finite, trains, and does not care how likely the responses are |
//! | swap | chosen and rejected are not interchangeable |
//! | far | log-probabilities far from 0 give finite numbers |
//! | better | the first step raises the better response and lowers the worse |
//! | monotone | nowhere does a step lower what is liked or raise what is not |

mod batch;
mod better;
mod close;
mod closed;
mod cut;
mod far;
mod gradient;
mod monotone;
mod noise;
mod order;
mod part;
mod reaches;
mod rearranged;
mod start;
mod strangers;
mod subject;
mod swap;
#[cfg(test)]
mod tests;
mod twice;

use crate::ir::Program;
use crate::{Algorithm, Spec};
pub use part::assert_part_lawful;
use subject::Subject;

/// What a law says of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It was tried and holds.
    Holds,
    /// It says nothing about such a program, and why.
    DoesNotApply(&'static str),
    /// It does not hold: how that was seen.
    Broken(String),
}

/// A law: its name and how it is tried.
struct Law {
    name: &'static str,
    try_on: fn(&Subject<'_>) -> Result<Verdict, String>,
}

const LAWS: [Law; 12] = [
    Law { name: "gradient", try_on: gradient::try_on },
    Law { name: "closed", try_on: closed::try_on },
    Law { name: "reaches", try_on: reaches::try_on },
    Law { name: "strangers", try_on: strangers::try_on },
    Law { name: "order", try_on: order::try_on },
    Law { name: "cut", try_on: cut::try_on },
    Law { name: "twice", try_on: twice::try_on },
    Law { name: "start", try_on: start::try_on },
    Law { name: "swap", try_on: swap::try_on },
    Law { name: "far", try_on: far::try_on },
    Law { name: "better", try_on: better::try_on },
    Law { name: "monotone", try_on: monotone::try_on },
];

/// What one law says of one program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// The law's name.
    pub law: &'static str,
    /// What it says.
    pub verdict: Verdict,
}

/// Tries every law on a program that reads this data view. Only a well-formed program can be tried.
#[must_use]
pub fn outcomes(program: &Program, specs: &[Spec], view: &str) -> Vec<Outcome> {
    let subject = Subject::new(program, specs, view);
    let outcome = |law: &Law| {
        let verdict = (law.try_on)(&subject).unwrap_or_else(Verdict::Broken);
        Outcome { law: law.name, verdict }
    };
    LAWS.iter().map(outcome).collect()
}

/// The first law that a program breaks, of those its algorithm does not except.
#[must_use]
pub fn first_broken(
    program: &Program,
    specs: &[Spec],
    view: &str,
    exceptions: &[(&str, &str)],
) -> Option<&'static str> {
    let subject = Subject::new(program, specs, view);
    let asked = LAWS.iter().filter(|law| exceptions.iter().all(|(name, _)| *name != law.name));
    // The gradient law, the first, evaluates most.
    let broken = |law: &&Law| matches!((law.try_on)(&subject), Err(_) | Ok(Verdict::Broken(_)));
    asked.rev().find(broken).map(|law| law.name)
}

/// Everything that is wrong with how an algorithm and the laws stand to each other, one line each: laws it breaks
/// without having said so, exceptions that are no law's name, and those it does not need.
#[must_use]
pub fn complaints(algorithm: &Algorithm) -> Vec<String> {
    let outcomes = outcomes(&(algorithm.trace)(), &(algorithm.hyper)(), algorithm.view);
    let excepted = |law: &str| algorithm.exceptions.iter().any(|(name, _)| *name == law);
    let broken = outcomes.iter().filter_map(|outcome| match &outcome.verdict {
        Verdict::Broken(how) if !excepted(outcome.law) => Some(format!("law `{}` is broken: {how}", outcome.law)),
        Verdict::Broken(_) | Verdict::Holds | Verdict::DoesNotApply(_) => None,
    });
    let idle = algorithm.exceptions.iter().filter_map(|(law, _)| {
        let Some(outcome) = outcomes.iter().find(|outcome| outcome.law == *law) else {
            let known: Vec<&str> = LAWS.iter().map(|law| law.name).collect();
            return Some(format!("the exception from `{law}` is from no law; there are {}", known.join(", ")));
        };
        let needed = matches!(outcome.verdict, Verdict::Broken(_));
        (!needed).then(|| format!("the exception from `{law}` is not needed: take it out"))
    });
    broken.chain(idle).collect()
}

/// What the test beside every `#[algorithm]` asks for, besides being well formed.
///
/// # Panics
/// With every law that is broken and not excepted, and every exception that is not needed.
#[track_caller]
pub fn assert_lawful(algorithm: &Algorithm) {
    let complaints = complaints(algorithm);
    assert!(complaints.is_empty(), "`{}`:\n{}", algorithm.name, complaints.join("\n"));
}

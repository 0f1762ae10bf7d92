//! An algorithm explained: formula, data, hyper-parameters, averages, metrics.
//!
//! Everything here is read off the program that tracing gives, so that it cannot say anything else than what is
//! trained.

mod chapter;
mod difference;
mod expression;
mod facts;
pub mod gradient;
mod json;
mod latex;
mod layout;
mod lines;
mod machine;
mod mathml;
mod notation;
mod page;
mod read;
mod symbol;
#[cfg(test)]
mod tests;
mod unicode;

pub use chapter::chapter;

use crate::hyper::Spec;
use crate::ir::Program;
use crate::{Algorithm, Preset};
use facts::Facts;
use lines::Formula;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// What an explanation is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A page for people, with the formula in Unicode.
    Text,
    /// The formula and its gradient alone, as LaTeX (needs `amsmath`).
    Latex,
    /// The program step by step, as [`crate::text`] writes it.
    Ir,
    /// Everything, for machines.
    Json,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 4] = [Format::Text, Format::Latex, Format::Ir, Format::Json];

    /// As it is called on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Latex => "latex",
            Format::Ir => "ir",
            Format::Json => "json",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Format::ALL.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| format!("there is no format `{text}`: write text, latex, ir or json"))
    }
}

/// An algorithm with its program: what an explanation is made of.
pub(crate) struct Subject<'a> {
    name: &'a str,
    paper: &'a str,
    preset: Option<Preset>,
    about: &'a str,
    view: &'a str,
    exceptions: &'a [(&'a str, &'a str)],
    separable: bool,
    specs: &'a [Spec],
    program: &'a Program,
}

impl Subject<'_> {
    /// As it is called on the command line.
    fn called(&self) -> String {
        self.name.replace('_', "-")
    }
}

/// Explain an algorithm.
#[must_use]
pub fn explain(algorithm: &Algorithm, format: Format) -> String {
    let (program, specs) = ((algorithm.trace)(), (algorithm.hyper)());
    describe(&subject(algorithm, &program, &specs), format)
}

/// Two algorithms beside each other: where their formulas part, and what else is not the same. Formulas that are equal
/// by the rules of arithmetic are said to be identical.
#[must_use]
pub fn difference(first: &Algorithm, second: &Algorithm) -> String {
    let (program, specs) = ((first.trace)(), (first.hyper)());
    let (other, others) = ((second.trace)(), (second.hyper)());
    difference::difference(&subject(first, &program, &specs), &subject(second, &other, &others))
}

fn subject<'a>(algorithm: &Algorithm, program: &'a Program, specs: &'a [Spec]) -> Subject<'a> {
    let Algorithm { name, paper, preset, about, view, exceptions, separable, .. } = *algorithm;
    Subject { name, paper, preset, about, view, exceptions, separable, specs, program }
}

/// The columns of the data that an algorithm reads.
#[must_use]
pub fn columns(algorithm: &Algorithm) -> Vec<String> {
    let program = (algorithm.trace)();
    facts::columns(&program, algorithm.view).into_iter().map(|column| column.name).collect()
}

fn describe(subject: &Subject<'_>, format: Format) -> String {
    match format {
        Format::Text => page::page(subject, &Facts::of(subject)),
        Format::Latex => {
            formula_latex(subject).map_or_else(String::new, |(formula, gradient)| formula + "\n" + &gradient)
        }
        Format::Ir => subject.program.to_string(),
        Format::Json => machine::json(subject, &Facts::of(subject)),
    }
}

/// The formula, and its gradient.
fn formula_latex(subject: &Subject<'_>) -> Option<(String, String)> {
    let mut formula = Formula::new(subject.program, &BTreeMap::new())?;
    let parameters = symbol::parameters(subject.program);
    let block = latex::block(&formula, &parameters);
    let found = gradient::of(&mut formula, &parameters);
    Some((block, latex::gradient(&formula, &found, &parameters)))
}

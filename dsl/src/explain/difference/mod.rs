//! Two algorithms beside each other: where their formulas part, and what else is not the same.
//!
//! Formulas are first brought into one form in which the order of sums and products, and where a factor stands, make no
//! difference ([`normal`]); what is equal then is identical. Otherwise both are gone through from the loss inwards to the
//! first step that is not the same ([`parting`]).

mod lines;
mod normal;
mod parting;

use super::expression::Ex;
use super::facts::Facts;
use super::lines::Formula;
use super::notation::Writer;
use super::page::reduction;
use super::symbol::{self, Symbol};
use super::unicode::{Unicode, gradient, lines as formula_lines, short};
use super::{Subject, gradient};
use crate::Spec;
use lines::{Line, beside};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One of the two, with everything that is written of it.
struct Side<'a> {
    subject: &'a Subject<'a>,
    facts: Facts,
    parameters: BTreeMap<String, Symbol>,
    formula: Formula,
    lines: Vec<Line>,
}

impl<'a> Side<'a> {
    fn new(subject: &'a Subject<'a>) -> Option<Self> {
        let parameters = symbol::parameters(subject.program);
        let formula = Formula::new(subject.program, &BTreeMap::new())?;
        let lines = formula_lines(&formula, &parameters);
        Some(Side { facts: Facts::of(subject), subject, parameters, formula, lines })
    }

    fn written(&self, ex: Ex) -> String {
        Writer { formula: &self.formula, parameters: &self.parameters, notation: Unicode }.written(ex).text
    }

    fn gradient(&mut self) -> Vec<Line> {
        let found = gradient::of(&mut self.formula, &self.parameters);
        gradient(&self.formula, &found, &self.parameters)
    }

    /// Where a step of the formula was written.
    fn place(&self, ex: Ex) -> String {
        let at = self.formula.steps.iter().position(|step| *step == ex);
        at.and_then(|at| super::page::known(&self.subject.program.nodes[at].place)).unwrap_or_default()
    }
}

/// Both pages in one.
pub(super) fn difference(first: &Subject<'_>, second: &Subject<'_>) -> String {
    let mut page = format!("− {}\n+ {}\n", first.called(), second.called());
    let (Some(mut a), Some(mut b)) = (Side::new(first), Side::new(second)) else {
        page += "\none of the two has no loss\n";
        return page;
    };
    let mut section = |title: &str, body: String| {
        if !body.is_empty() {
            let _ = write!(page, "\n{title}\n{body}");
        }
    };
    if normal::equal(&a.formula, &b.formula) {
        section("Formula", format!("  identical\n{}", beside(&a.lines, &a.lines)));
    } else {
        section("Formula", beside(&a.lines, &b.lines));
        if let Some((left, right)) = parting::first(&a.formula, &b.formula) {
            let row = |side: &Side<'_>, ex| vec![side.subject.called(), side.written(ex), side.place(ex)];
            section("They part at", super::layout::table(&[row(&a, left), row(&b, right)]));
        }
        let (left, right) = (a.gradient(), b.gradient());
        section("Gradient", beside(&left, &right));
    }
    section("Hyper-parameters", hyper(first.specs, second.specs));
    let averages = |side: &Side<'_>| side.facts.reductions.iter().map(reduction).collect();
    section("Averages", unlike(averages(&a), averages(&b)));
    let columns = |side: &Side<'_>| side.facts.columns.iter().map(|column| column.name.clone()).collect();
    section("Data", unlike(columns(&a), columns(&b)));
    let policies = |side: &Side<'_>| {
        let policies = side.facts.policies.iter();
        policies.map(|p| format!("{}, {}", p.owner, if p.trained { "trained" } else { "frozen" })).collect()
    };
    section("Policies", unlike(policies(&a), policies(&b)));
    let batch = |side: &Side<'_>| match &side.facts.separable {
        Ok(()) => vec!["may be cut into micro-batches".to_owned()],
        Err(why) => vec![format!("must stay whole: {}", why.reason)],
    };
    section("Batch", unlike(batch(&a), batch(&b)));
    page
}

/// What only one of two lists has; nothing if they are the same.
fn unlike(first: Vec<String>, second: Vec<String>) -> String {
    let mut text = String::new();
    for only in first.iter().filter(|line| !second.contains(line)) {
        let _ = writeln!(text, "  − {only}");
    }
    for only in second.iter().filter(|line| !first.contains(line)) {
        let _ = writeln!(text, "  + {only}");
    }
    text
}

/// Hyper-parameters that one does not have, or has with another default or range.
fn hyper(first: &[Spec], second: &[Spec]) -> String {
    let written = |specs: &[Spec]| {
        let row = |spec: &Spec| format!("{}  default {}, {}", spec.name, short(spec.default), spec.range);
        specs.iter().map(row).collect::<Vec<_>>()
    };
    unlike(written(first), written(second))
}

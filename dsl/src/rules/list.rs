//! The table for people: every rule as one line, as the book prints it.

use super::binary::{CHOICES, DIFFERENCES, PRODUCTS, QUOTIENTS, SUMS};
use super::functions::{
    DISTRIBUTION, EXPONENTIAL, GROUP_MEAN, LOG_LOGISTIC, LOGARITHM, LOGISTIC, NEGATIVE, SIZE, SQUARE,
};
use super::{Mapping, Need, Pairing, Table};

/// One rule of the typing table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// What is written, e.g. `LogProb - LogProb`.
    pub written: String,
    /// The kind that comes out.
    pub result: &'static str,
    /// What must hold besides; empty if nothing.
    pub provided: &'static str,
}

/// Every rule, in sections.
#[must_use]
pub fn list() -> Vec<(&'static str, Vec<Rule>)> {
    vec![
        (
            "Sums",
            binary(SUMS, "of the two whole responses of a pair; one for each prompt", |l, r| format!("{l} + {r}")),
        ),
        (
            "Differences",
            binary(DIFFERENCES, "chosen less rejected, whole responses; one for each prompt", |l, r| {
                format!("{l} - {r}")
            }),
        ),
        ("Products", binary(PRODUCTS, "", |l, r| format!("{l} * {r}"))),
        ("Quotients", binary(QUOTIENTS, "", |l, r| format!("{l} / {r}"))),
        ("Smaller and larger", binary(CHOICES, "", |l, r| format!("min({l}, {r})"))),
        ("Functions of one value", functions()),
    ]
}

fn binary(table: Table, opposed: &'static str, write: impl Fn(&str, &str) -> String) -> Vec<Rule> {
    let rows = table.iter().copied().flatten();
    let rule = |row: &super::Row| Rule {
        written: write(row.left.name(), row.right.name()),
        result: row.out.name(),
        provided: match (row.pairing, row.need) {
            (Pairing::Opposed, _) => opposed,
            (_, Need::AnyGradient) => "",
            (_, Need::WeightLeft | Need::AdvantageLeft) => "the left one is a constant",
            (_, Need::WeightRight | Need::AdvantageRight) => "the right one is a constant",
        },
    };
    rows.map(rule).collect()
}

fn functions() -> Vec<Rule> {
    let group = "of the samples of a group";
    let tables = [
        unary(NEGATIVE, "", |k| format!("-{k}")),
        unary(EXPONENTIAL, "", |k| format!("{k}.exp()")),
        unary(LOGARITHM, "", |k| format!("{k}.ln()")),
        unary(LOGISTIC, "", |k| format!("sigmoid({k})")),
        unary(LOG_LOGISTIC, "", |k| format!("log_sigmoid({k})")),
        unary(SQUARE, "", |k| format!("{k}.squared()")),
        unary(SIZE, "", |k| format!("{k}.abs()")),
        unary(GROUP_MEAN, group, |k| format!("leave_one_out({k})")),
        unary(GROUP_MEAN, group, |k| format!("group_mean({k})")),
        unary(DISTRIBUTION, group, |k| format!("log_softmax({k})")),
    ];
    tables.into_iter().flatten().collect()
}

fn unary(table: &[Mapping], provided: &'static str, write: impl Fn(&str) -> String) -> Vec<Rule> {
    table.iter().map(|row| Rule { written: write(row.from.name()), result: row.to.name(), provided }).collect()
}

//! The table for people: every rule as one line, as the book prints it.

use super::binary::{CHOICES, DIFFERENCES, INTERVALS, PRODUCTS, QUOTIENTS, SUMS};
use super::functions::{
    COMPLEMENT, DISCOUNTED, DISTRIBUTION, EXPONENTIAL, GROUP_MEAN, LOG_LOGISTIC, LOGARITHM, LOGISTIC, NEGATIVE, ODDS,
    ROOT, SIGN, SIZE, SPREAD, SQUARE, WHITENED,
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
    let of_pair = "of the two whole responses of a pair; one for each prompt";
    vec![
        ("Sums", binary(SUMS, of_pair, |l, r| format!("{l} + {r}"))),
        (
            "Differences",
            binary(DIFFERENCES, "chosen less rejected, whole responses; one for each prompt", |l, r| {
                format!("{l} - {r}")
            }),
        ),
        ("Products", binary(PRODUCTS, of_pair, |l, r| format!("{l} * {r}"))),
        ("Quotients", binary(QUOTIENTS, "", |l, r| format!("{l} / {r}"))),
        ("Smaller and larger", binary(CHOICES, "", |l, r| format!("min({l}, {r})"))),
        ("Intervals", binary(INTERVALS, "", |l, r| format!("log_interval({l}, {r})"))),
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
    let tokens = "one for each token";
    let choice = "`a` and `b` may be compared";
    let tables = [
        unary(NEGATIVE, "", |k| format!("-{k}")),
        unary(EXPONENTIAL, "", |k| format!("{k}.exp()")),
        unary(LOGARITHM, "", |k| format!("{k}.ln()")),
        unary(LOGISTIC, "", |k| format!("sigmoid({k})")),
        unary(LOG_LOGISTIC, "", |k| format!("log_sigmoid({k})")),
        unary(SQUARE, "", |k| format!("{k}.squared()")),
        unary(SIZE, "", |k| format!("{k}.abs()")),
        unary(ROOT, "", |k| format!("{k}.sqrt()")),
        unary(COMPLEMENT, "", |k| format!("{k}.log_complement()")),
        unary(ODDS, "", |k| format!("{k}.log_odds()")),
        unary(DISCOUNTED, tokens, |k| format!("{k}.discounted_sum(decay)")),
        unary(SPREAD, group, |k| format!("group_std({k})")),
        unary(SPREAD, group, |k| format!("others_std({k})")),
        unary(SPREAD, "", |k| format!("batch_std({k})")),
        unary(WHITENED, "a constant", |k| format!("whiten({k})")),
        choices(choice),
        unary(GROUP_MEAN, group, |k| format!("leave_one_out({k})")),
        unary(GROUP_MEAN, group, |k| format!("group_mean({k})")),
        unary(DISTRIBUTION, group, |k| format!("log_softmax({k})")),
    ];
    tables.into_iter().flatten().collect()
}

/// What comes out is of the kind of what is chosen.
fn choices(provided: &'static str) -> Vec<Rule> {
    SIGN.iter()
        .map(|row| Rule { written: format!("choose({}, a, b)", row.from.name()), result: "as `max(a, b)`", provided })
        .collect()
}

fn unary(table: &[Mapping], provided: &'static str, write: impl Fn(&str) -> String) -> Vec<Rule> {
    table.iter().map(|row| Rule { written: write(row.from.name()), result: row.to.name(), provided }).collect()
}

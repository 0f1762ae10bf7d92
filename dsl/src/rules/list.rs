//! The table for people: every rule as one line, as the book prints it.

use super::binary::{CHOICES, DIFFERENCES, INTERVALS, PRODUCTS, QUOTIENTS, SUMS};
use super::functions::{
    COMPLEMENT, DISCOUNTED, DISTRIBUTION, DIVERGENCE, EXPONENTIAL, FITTED, GROUP_MEAN, LOG_LOGISTIC, LOGARITHM,
    LOGISTIC, MINIMISED, NEGATIVE, ODDS, REWARDED, ROOT, SIGN, SIZE, SPREAD, SQUARE, WHITENED,
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
        ("Errors", fitted()),
        ("Roles", roles()),
        ("Every word of the vocabulary", fixed(&WORDS)),
        ("Estimates of a divergence", fixed(&ESTIMATES)),
        ("Along a response", fixed(&SEQUENCES)),
        ("Everything of a kind", fixed(&ANYTHING)),
    ]
}

/// What is written, what it gives, what must hold besides.
type Fixed = (&'static str, &'static str, &'static str);

/// Functions of one kind only: their types stand in their signatures. The tests hold the two together.
const WORDS: [Fixed; 5] = [
    ("entropy(LogProb)", "Entropy", "of all words; one for each token"),
    ("kl(LogProb, LogProb)", "Kl", "of all words, of one side; one for each token"),
    ("mixture(a, LogProb, LogProb)", "LogProb", "of all words, of one side; `a` is a number from 0 to 1"),
    ("top_words(LogProb, k)", "Weight", "of all words; a constant"),
    ("renormalised(LogProb, Weight)", "LogProb", "of all words; the weight is a constant"),
];
const ESTIMATES: [Fixed; 4] = [
    ("k1(LogProb, LogProb)", "Kl", "of the same tokens"),
    ("abs_k1(LogProb, LogProb)", "Kl", "of the same tokens"),
    ("k2(LogProb, LogProb)", "Kl", "of the same tokens"),
    ("k3(LogProb, LogProb)", "Kl", "of the same tokens"),
];
const SEQUENCES: [Fixed; 4] = [
    ("length(y)", "Weight", "one for each response; a constant"),
    ("overlap(y, other)", "Weight", "of the two sides of a pair; one for each token; a constant"),
    ("returns(Reward, gamma)", "Return", "one for each token"),
    ("gae(Reward, Value, gamma, lam)", "`Advantage` and `Return`", "one for each token; constants give constants"),
];
const ANYTHING: [Fixed; 8] = [
    ("x.sum(axis), x.mean(axis)", "the same kind", "the axis is the innermost"),
    ("x.batch_mean()", "the same kind", "there is an axis left"),
    ("x.detach()", "the same kind", "a constant"),
    ("x.clamp(low, high)", "the same kind", "the limits are numbers"),
    ("at_last(x), x.following()", "the same kind", "of responses; of tokens"),
    ("sorted(x)", "the same kind", "of prompts or of the responses of one side"),
    ("x.as_weight(), x.as_baseline()", "`Weight`, `Baseline`", "`x` is a constant"),
    ("x.treat_as::<K>(why)", "`K`", "there is a sentence that says why"),
];

fn fixed(rows: &[Fixed]) -> Vec<Rule> {
    rows.iter().map(|(written, result, provided)| Rule { written: (*written).to_owned(), result, provided }).collect()
}

fn fitted() -> Vec<Rule> {
    let rule = |(prediction, target): &(crate::ir::KindTag, crate::ir::KindTag)| Rule {
        written: format!("squared_error({}, {})", prediction.name(), target.name()),
        result: "Loss",
        provided: "the target is a constant",
    };
    FITTED.iter().map(rule).collect()
}

fn roles() -> Vec<Rule> {
    let tables = [
        unary(MINIMISED, "", |k| format!("{k}.as_loss()")),
        unary(DIVERGENCE, "", |k| format!("{k}.as_kl()")),
        unary(REWARDED, "", |k| format!("{k}.as_reward()")),
    ];
    tables.into_iter().flatten().collect()
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

#[cfg(test)]
mod tests {
    use super::{ESTIMATES, Fixed, SEQUENCES, WORDS};
    use crate::kind::sealed::Tagged;
    use crate::{Arg, trace};
    crate::prelude!();

    fn kind<Q: Quantity>(_: Q) -> &'static str {
        <Q::Kind as Tagged>::TAG.name()
    }
    fn said(rows: &[Fixed]) -> Vec<(&'static str, &'static str)> {
        rows.iter().map(|(written, result, _)| (written.split('(').next().unwrap_or_default(), *result)).collect()
    }

    #[test]
    fn what_is_said_of_a_function_is_what_its_signature_says() {
        let _ = trace("table", || {
            let (actor, teacher, critic) = (Actor::arg(), Teacher::arg(), Critic::arg());
            let (pair, group) = (Pair::arg(), Group::arg());
            let (p, q) = (actor.words(pair.chosen), teacher.words(pair.chosen));
            let words = [
                ("entropy", kind(entropy(p))),
                ("kl", kind(kl(p, q))),
                ("mixture", kind(mixture(0.5, p, q))),
                ("top_words", kind(top_words(q, 2))),
                ("renormalised", kind(renormalised(p, top_words(q, 2)))),
            ];
            assert_eq!(said(&WORDS), words);
            let (p, q) = (actor.logp(pair.chosen), teacher.logp(pair.chosen));
            let estimates = [
                ("k1", kind(k1(p, q))),
                ("abs_k1", kind(abs_k1(p, q))),
                ("k2", kind(k2(p, q))),
                ("k3", kind(k3(p, q))),
            ];
            assert_eq!(said(&ESTIMATES), estimates);
            let (reward, value) = (at_last(group.score), critic.value(group.response).detach());
            let (advantage, target) = gae(reward, value, 1.0, 1.0);
            assert_eq!(
                said(&SEQUENCES),
                [
                    ("length", kind(length(pair.chosen))),
                    ("overlap", kind(overlap(pair.chosen, pair.rejected))),
                    ("returns", kind(returns(reward, 1.0))),
                    ("gae", "`Advantage` and `Return`"),
                ]
            );
            assert_eq!([kind(advantage), kind(target)], ["Advantage", "Return"]);
            -p.batch_mean()
        });
    }
}

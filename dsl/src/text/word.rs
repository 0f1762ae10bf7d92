//! The words of the text form: for operations, types and names.

use crate::ir::{Depth, Estimator, Op, Ty};
use std::fmt;

impl Op {
    /// The operation as it stands in the text form; for the four binary operators, the operator.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Op::Input { .. } => "input",
            Op::Parameter(_) => "parameter",
            Op::Literal(_) => "number",
            Op::Plus => "+",
            Op::Minus => "-",
            Op::Times => "*",
            Op::Over => "/",
            Op::Negative => "negative",
            Op::Smaller => "min",
            Op::Larger => "max",
            Op::Clip => "clamp",
            Op::Exponential => "exp",
            Op::Logarithm => "ln",
            Op::Magnitude => "abs",
            Op::Logistic => "sigmoid",
            Op::LogLogistic => "log_sigmoid",
            Op::Square => "squared",
            Op::Positive => "is_positive",
            Op::Total => "sum",
            Op::Average => "mean",
            Op::AverageAll => "batch_mean",
            Op::Constant => "detach",
            Op::Recast(_) => "treat_as",
            Op::EveryPrompt => "every_prompt",
            Op::OthersMean => "leave_one_out",
            Op::GroupMean => "group_mean",
            Op::GroupLogSoftmax => "log_softmax",
            Op::Root => "sqrt",
            Op::LogComplement => "log_complement",
            Op::LogInterval => "log_interval",
            Op::Choose => "choose",
            Op::Estimate(estimator) => estimator.word(),
            Op::GroupSpread => "group_std",
            Op::OthersSpread => "others_std",
            Op::BatchSpread => "batch_std",
            Op::Sorted => "sorted",
            Op::Length => "length",
            Op::Overlap(_) => "overlap",
            Op::Following => "following",
            Op::DiscountedSum => "discounted_sum",
            Op::AtLast => "at_last",
            Op::Mixture => "mixture",
            Op::TopWords => "top_words",
            Op::Renormalised => "renormalised",
        }
    }

    /// How many arguments it takes.
    #[must_use]
    pub fn arity(&self) -> usize {
        match self {
            Op::Input { .. } | Op::Parameter(_) | Op::Literal(_) | Op::Length | Op::Overlap(_) => 0,
            Op::Negative
            | Op::Exponential
            | Op::Logarithm
            | Op::Magnitude
            | Op::Logistic
            | Op::LogLogistic
            | Op::Square
            | Op::Positive
            | Op::Total
            | Op::Average
            | Op::AverageAll
            | Op::Constant
            | Op::Recast(_)
            | Op::EveryPrompt
            | Op::OthersMean
            | Op::GroupMean
            | Op::GroupLogSoftmax
            | Op::Root
            | Op::LogComplement
            | Op::GroupSpread
            | Op::OthersSpread
            | Op::BatchSpread
            | Op::Sorted
            | Op::Following
            | Op::AtLast => 1,
            Op::Plus
            | Op::Minus
            | Op::Times
            | Op::Over
            | Op::Smaller
            | Op::Larger
            | Op::LogInterval
            | Op::Estimate(_)
            | Op::DiscountedSum
            | Op::TopWords
            | Op::Renormalised => 2,
            Op::Clip | Op::Choose | Op::Mixture => 3,
        }
    }
}

/// Every operation that is written as its word and its arguments.
pub(super) const PREFIX: [Op; 37] = [
    Op::Smaller,
    Op::Larger,
    Op::Clip,
    Op::Exponential,
    Op::Logarithm,
    Op::Magnitude,
    Op::Logistic,
    Op::LogLogistic,
    Op::Square,
    Op::Positive,
    Op::Total,
    Op::Average,
    Op::AverageAll,
    Op::Constant,
    Op::EveryPrompt,
    Op::OthersMean,
    Op::GroupMean,
    Op::GroupLogSoftmax,
    Op::Root,
    Op::LogComplement,
    Op::LogInterval,
    Op::Choose,
    Op::Estimate(Estimator::K1),
    Op::Estimate(Estimator::AbsK1),
    Op::Estimate(Estimator::K2),
    Op::Estimate(Estimator::K3),
    Op::GroupSpread,
    Op::OthersSpread,
    Op::BatchSpread,
    Op::Sorted,
    Op::Length,
    Op::Following,
    Op::DiscountedSum,
    Op::AtLast,
    Op::Mixture,
    Op::TopWords,
    Op::Renormalised,
];

/// Every operation that is written between its arguments.
pub(super) const INFIX: [Op; 4] = [Op::Plus, Op::Minus, Op::Times, Op::Over];

/// Every depth and the word for one of its values; constants have none.
pub(super) const DEPTHS: [(Depth, &str); 5] = [
    (Depth::Batch, "batch"),
    (Depth::EachPrompt, "prompt"),
    (Depth::EachResponse, "response"),
    (Depth::EachToken, "token"),
    (Depth::EachWord, "word"),
];

/// Can this stand without quotes as the name of a policy, an input or a hyper-parameter?
pub(super) fn is_plain_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Can this stand without quotes as the name of a program or a metric?
pub(super) fn is_plain_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-/.@".contains(c))
}

/// In double quotes, on one line.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' => quoted.extend(c.escape_unicode()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// `LogRatio per response of Chosen, grad`
impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if let Some((_, word)) = DEPTHS.iter().find(|(depth, _)| *depth == self.depth) {
            write!(f, " per {word}")?;
        }
        if let Some(side) = self.side {
            write!(f, " of {side}")?;
        }
        if self.live { f.write_str(", grad") } else { Ok(()) }
    }
}

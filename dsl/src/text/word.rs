//! The word for every operation, and how many arguments it takes.

use crate::ir::{Depth, Op, Ty};
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
            Op::Recast(_) => "recast",
            Op::EveryPrompt => "every_prompt",
            Op::OthersMean => "others_mean",
            Op::GroupMean => "group_mean",
            Op::GroupLogSoftmax => "log_softmax",
        }
    }

    /// How many arguments it takes.
    #[must_use]
    pub fn arity(&self) -> usize {
        match self {
            Op::Input { .. } | Op::Parameter(_) | Op::Literal(_) => 0,
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
            | Op::GroupLogSoftmax => 1,
            Op::Plus | Op::Minus | Op::Times | Op::Over | Op::Smaller | Op::Larger => 2,
            Op::Clip => 3,
        }
    }
}

/// What stands between a kind and a side in a type's text; nothing for constants.
pub(super) fn depth_words(depth: Depth) -> &'static str {
    match depth {
        Depth::Constant => "",
        Depth::Batch => " per batch",
        Depth::EachPrompt => " per prompt",
        Depth::EachResponse => " per response",
        Depth::EachToken => " per token",
        Depth::EachWord => " per word",
    }
}

/// `LogRatio per response of Chosen, grad`
impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind, depth_words(self.depth))?;
        if let Some(side) = self.side {
            write!(f, " of {side}")?;
        }
        if self.live { f.write_str(", grad") } else { Ok(()) }
    }
}

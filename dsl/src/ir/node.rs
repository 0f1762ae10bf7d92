//! One step of a program.

use super::estimator::Estimator;
use super::ty::{SideTag, Ty};
use std::fmt;

/// Index of a node in its program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Id(u32);

impl Id {
    /// The node at this index.
    #[must_use]
    pub fn new(index: usize) -> Self {
        Id(u32::try_from(index).expect("a program has fewer than four thousand million nodes"))
    }
    /// Where it stands in [`super::Program::nodes`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where in the user's source something was written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Place {
    /// As the compiler knows it.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// What a node computes. Pointwise unless said otherwise; outer values are repeated along inner axes.
#[derive(Clone, PartialEq, Debug)]
pub enum Op {
    /// Given with the batch: `owner` is a policy in lower case (`actor`) or a data view (`pair`), `field`
    /// what it gives (`logp`, `chosen_score`). The side is in the node's type.
    Input {
        /// Policy or data view.
        owner: String,
        /// What it gives.
        field: String,
    },
    /// A hyper-parameter.
    Parameter(String),
    /// A number from the source.
    Literal(f64),

    /// `a + b`
    Plus,
    /// `a - b`
    Minus,
    /// `a * b`
    Times,
    /// `a / b`
    Over,
    /// `-a`
    Negative,
    /// `min(a, b)`; where equal, the gradient goes to `a`
    Smaller,
    /// `max(a, b)`; where equal, the gradient goes to `a`
    Larger,
    /// `a` held between `b` and `c` (both [`super::Depth::Constant`]); no gradient outside
    Clip,
    /// `exp(a)`
    Exponential,
    /// `ln(a)`
    Logarithm,
    /// `|a|`; gradient 0 at 0
    Magnitude,
    /// `1 / (1 + exp(-a))`
    Logistic,
    /// `ln(1 / (1 + exp(-a)))`, without overflow
    LogLogistic,
    /// `a * a`
    Square,
    /// 1 where `a > 0`, else 0; no gradient
    Positive,
    /// The square root of `a`
    Root,
    /// `ln(1 - exp(a))` for `a < 0`, without losing digits at either end
    LogComplement,
    /// `ln(Phi(b) - Phi(a))` for `a < b`, the share of a standard normal distribution between them, without underflow
    LogInterval,
    /// `b` where `a > 0`, else `c`; no gradient by `a`
    Choose,
    /// An estimate of the divergence of two policies from their log-probabilities `a` and `b`
    Estimate(Estimator),

    /// Sum over the innermost axis.
    Total,
    /// Mean over the innermost axis: tokens of a response, responses of a prompt, prompts of the whole
    /// optimizer batch (not of the micro-batch).
    Average,
    /// Mean over every element of the whole optimizer batch, whatever its depth.
    AverageAll,

    /// The same value, without gradient.
    Constant,
    /// The same value as another kind; the sentence says why that is right.
    Recast(String),
    /// One value for the batch, repeated for every prompt.
    EveryPrompt,

    /// For each response, the mean over the other responses to its prompt.
    OthersMean,
    /// For each response, the mean over all responses to its prompt.
    GroupMean,
    /// `a - ln(sum over the responses to the prompt of exp(a))`
    GroupLogSoftmax,
    /// For each response, the standard deviation of all responses to its prompt (one less than their number below); 0 for
    /// a single one, and no gradient where all are equal.
    GroupSpread,
    /// For each response, the standard deviation of the other responses to its prompt (one less than their number below);
    /// 0 for fewer than two others, and no gradient where all are equal.
    OthersSpread,
    /// The standard deviation of every element of the batch (one less than their number below).
    BatchSpread,
    /// The values of the whole batch in order, the smallest first: of its prompts, or of the responses of one side.
    Sorted,

    /// How many tokens each response of a side has.
    Length,
    /// 1 for each token of a response that the response of this other side to the same prompt has too, else 0.
    Overlap(SideTag),
    /// At each token the value of the next one; 0 at a response's last.
    Following,
    /// `y_t = a_t + b y_{t+1}` from a response's last token to its first; `b` is a constant.
    DiscountedSum,
    /// A response's value at its last token, 0 at the others.
    AtLast,

    /// `ln(c exp(a) + (1 - c) exp(b))`, without underflow; `c` is a share from 0 to 1 ([`super::Depth::Constant`])
    Mixture,
    /// 1 for the `b` largest words at a token, 0 for the others; of equal ones the first; no gradient
    TopWords,
    /// `a - ln(sum over the words of b exp(a))`; 0 for words where `b` is 0
    Renormalised,
}

/// One step: an operation, what it works on, and where it was written.
#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// What it works on; all earlier.
    pub args: Vec<Id>,
    /// Kind, depth, side, gradient.
    pub ty: Ty,
    /// Where it was written.
    pub place: Place,
}

//! Sums over all words of the vocabulary, at each row: `sum_v f(ln p(v), ln q(v), ...)` of the distributions that policies
//! give, where `f` is any element-wise formula. With `z = hidden tableᵀ` a policy's scores, `ln p = z - logsumexp(z)`.
//!
//! Scores exist for some rows at a time, in a room whose size depends neither on rows nor on words; the backward pass makes
//! them again. While a row's scores are there its formula is run over them from end to end as often as it needs: once for each
//! number of a row that must be known before others ([`Step::LogSum`], [`Step::Top`]), and once for the sums. The words of a
//! row are taken so many at a time that the values of all steps stay in the nearest cache.
//!
//! With `y = ln p` and `dy` the gradient by it:
//!
//! - `dz = dy - p sum(dy)`, `d hidden += dz table`, `d table += dzᵀ hidden`.
//!
//! With a table in bf16 the three products are those of [`crate::matrix::multiply_halves`]: `hidden` and `dz` are rounded for them.

mod back;
mod cpu;
pub mod examples;
mod plan;
mod reference;
mod row;
mod step;
mod top;

pub(crate) use plan::{moving, word_by_word};
pub(crate) use step::shares;

#[cfg(test)]
mod tests;

pub use cpu::{backward, forward};
pub use reference::forward as forward_reference;

use crate::stored::Stored;

/// One step of a formula: its value for each word, from those of earlier steps, which are named by number.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Step {
    /// `ln p(word)` by the policy of this number
    Policy(usize),
    /// The row's number of this number, the same for every word
    Given(usize),
    /// The same everywhere
    Number(f32),
    /// `a + b`
    Plus(usize, usize),
    /// `a - b`
    Minus(usize, usize),
    /// `a * b`
    Times(usize, usize),
    /// `a / b`
    Over(usize, usize),
    /// `min(a, b)`; where equal, the gradient goes to `a`
    Smaller(usize, usize),
    /// `max(a, b)`; where equal, the gradient goes to `a`
    Larger(usize, usize),
    /// `a` held between two numbers; no gradient outside
    Clip(usize, f32, f32),
    /// `-a`
    Negative(usize),
    /// `exp(a)`
    Exponential(usize),
    /// `ln(a)`
    Logarithm(usize),
    /// `|a|`; gradient 0 at 0
    Magnitude(usize),
    /// `1 / (1 + exp(-a))`
    Logistic(usize),
    /// `ln(1 / (1 + exp(-a)))`, without overflow
    LogLogistic(usize),
    /// `a * a`
    Square(usize),
    /// The square root of `a`
    Root(usize),
    /// `ln(1 - exp(a))` for `a < 0`
    LogComplement(usize),
    /// 1 where `a > 0`, else 0; no gradient
    Positive(usize),
    /// `a`, without gradient
    Still(usize),
    /// `b` where `a > 0`, else `c`; no gradient by `a`
    Choose(usize, usize, usize),
    /// `ln(s exp(a) + (1 - s) exp(b))` for a share `s` from 0 to 1, without underflow
    Mixture(usize, usize, f32),
    /// 1 for so many of the largest `a` among the words, 0 for the others; of equal ones the first; no gradient
    Top(usize, usize),
    /// `ln(sum over the words of b exp(a))`, of the words where `b` is not 0: one number for the row; no gradient by `b`
    LogSum(usize, usize),
    /// `b` where `a` is not 0, else 0; no gradient by `a`
    Kept(usize, usize),
}

impl Step {
    /// The earlier steps that it reads.
    #[must_use]
    pub fn reads(self) -> Vec<usize> {
        match self {
            Step::Policy(_) | Step::Given(_) | Step::Number(_) => vec![],
            Step::Plus(a, b)
            | Step::Minus(a, b)
            | Step::Times(a, b)
            | Step::Over(a, b)
            | Step::Smaller(a, b)
            | Step::Larger(a, b)
            | Step::Mixture(a, b, _)
            | Step::LogSum(a, b)
            | Step::Kept(a, b) => vec![a, b],
            Step::Clip(a, ..)
            | Step::Negative(a)
            | Step::Exponential(a)
            | Step::Logarithm(a)
            | Step::Magnitude(a)
            | Step::Logistic(a)
            | Step::LogLogistic(a)
            | Step::Square(a)
            | Step::Root(a)
            | Step::LogComplement(a)
            | Step::Positive(a)
            | Step::Still(a)
            | Step::Top(a, _) => vec![a],
            Step::Choose(a, b, c) => vec![a, b, c],
        }
    }
}

/// A formula, and which of its steps are summed over the words.
#[derive(Clone, PartialEq, Debug)]
pub struct Region {
    steps: Vec<Step>,
    sums: Vec<usize>,
    plan: plan::Plan,
}

impl Region {
    /// A formula of these steps, of which some are summed.
    ///
    /// # Panics
    /// If a step reads one that does not come before it, a sum is of no step, or nothing is summed.
    #[must_use]
    pub fn new(steps: Vec<Step>, sums: Vec<usize>) -> Self {
        assert!(!sums.is_empty() && sums.iter().all(|sum| *sum < steps.len()), "a sum is of one of the steps");
        for (i, step) in steps.iter().enumerate() {
            assert!(step.reads().iter().all(|read| *read < i), "step {i} reads one that does not come before it");
        }
        let plan = plan::Plan::new(&steps, &sums);
        Region { steps, sums, plan }
    }

    /// The steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    pub(crate) fn plan(&self) -> &plan::Plan {
        &self.plan
    }

    /// The steps that are summed.
    #[must_use]
    pub fn sums(&self) -> &[usize] {
        &self.sums
    }

    /// How often a row's words are gone through before their sums are known.
    #[must_use]
    pub fn sweeps(&self) -> usize {
        self.plan.sweeps.len()
    }

    /// One more than the largest number that `which` finds in a step.
    fn count(&self, which: impl Fn(&Step) -> Option<usize>) -> usize {
        self.steps.iter().filter_map(which).max().map_or(0, |largest| largest + 1)
    }

    /// Policies that it reads.
    #[must_use]
    pub fn policies(&self) -> usize {
        self.count(|step| if let Step::Policy(i) = step { Some(*i) } else { None })
    }

    /// Numbers of each row that it is given.
    #[must_use]
    pub fn given(&self) -> usize {
        self.count(|step| if let Step::Given(i) = step { Some(*i) } else { None })
    }
}

/// What gives the log-probabilities of all words.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// One state for each row.
    pub hidden: &'a [f32],
    /// One row for each word.
    pub table: Stored<'a>,
    /// Numbers in a state.
    pub width: usize,
}

/// What the two passes read.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// What is computed.
    pub region: &'a Region,
    /// In the order of [`Step::Policy`]; all know the same words.
    pub policies: &'a [Policy<'a>],
    /// `[row, given]`, in the order of [`Step::Given`].
    pub given: &'a [f32],
}

/// The gradient by a policy.
#[derive(Debug)]
pub struct ByPolicy<'a> {
    /// Is added to.
    pub d_hidden: &'a mut [f32],
    /// Is added to, if the table is trained.
    pub d_table: Option<&'a mut [f32]>,
    /// A word for each row and the gradient of its log-probability, which joins that of the sums.
    pub taken: Option<(&'a [u32], &'a [f32])>,
}

/// At some row a [`Step::LogSum`] has no word with a weight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoWord {
    /// The step.
    pub step: usize,
}

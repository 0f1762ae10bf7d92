//! Which kinds and shapes a function accepts; the rows are in `rules`.

use crate::grad::Gradient;
use crate::kind::Kind;
use crate::level::Quantity;
use crate::shape::Shape;
use crate::side::Side;

macro_rules! accepts {
    ($( $(#[$doc:meta])* $Trait:ident, $message:literal, $note:literal; )*) => { $(
        $(#[$doc])*
        #[diagnostic::on_unimplemented(message = $message, label = "this is `{Self}`", note = $note, note = "book: errors/q16")]
        pub trait $Trait: Kind {
            /// The kind of the result.
            type Out: Kind;
        }
    )* };
}
accepts! {
    /// Kinds with an exponential.
    HasExp, "`{Self}` has no `exp`", "only a log-probability, a log-ratio, a margin (its odds), an advantage or a number has one";
    /// Kinds with a logarithm.
    HasLn, "`{Self}` has no `ln`", "only a probability, a ratio or a number has one";
    /// Kinds a logistic can squash.
    HasSigmoid, "`{Self}` has no `sigmoid`", "only a margin, a reward, an advantage or a log-ratio has one";
    /// The same in log space.
    HasLogSigmoid, "`{Self}` has no `log_sigmoid`", "only a margin, a reward, an advantage or a log-ratio has one";
    /// Kinds whose square means something.
    HasSquare, "the square of `{Self}` means nothing here", "only a margin, a reward, a value, an advantage or a log-ratio has one";
    /// Kinds whose size alone means something.
    HasSize, "`{Self}` has no `abs`", "only a margin, a weight, a reward or a log-ratio has one";
    /// Kinds with a square root.
    HasRoot, "`{Self}` has no `sqrt`", "only a spread, a weight or a number has one";
    /// Kinds of which one less than the probability has a logarithm.
    HasComplement, "`{Self}` has no `log_complement`", "only a log-probability has one: the logarithm of 1 less the probability";
    /// Kinds with odds.
    HasOdds, "`{Self}` has no odds", "only a log-probability has some: the logarithm of p / (1 - p)";
    /// Kinds with a standard deviation.
    Spreads, "the spread of `{Self}` means nothing here", "only a reward, a return, an advantage, a value or a margin has one";
    /// Kinds that are whitened.
    Whitens, "`{Self}` is not whitened", "write `whiten(advantage)`: of an advantage, a reward or a return, never of a log-probability";
    /// Kinds that are summed up along a response.
    Discounts, "`{Self}` is not summed along a response", "only a reward, an advantage or a divergence is";
    /// Kinds with a sign to choose by.
    HasSign, "`{Self}` has no sign to choose by", "choose by an advantage, a margin, a reward, a log-ratio, or a weight that is 1 or 0";
    /// Kinds that are minimised as they are.
    Minimised, "`{Self}` is not a loss", "only a divergence, a probability or the odds of failure, or a hinge on a margin is; put a minus before a `Gain` or a `LogProb`";
    /// Kinds that estimate a divergence as they are.
    Diverges, "`{Self}` is not a divergence", "only the log-ratio of two policies is: its mean under the first is their divergence";
    /// Kinds that can be paid out as they are.
    Rewards, "`{Self}` is not a reward", "only a log-probability, a log-ratio or a weight is, scaled or not";
    /// Kinds responses to one prompt are ranked by.
    Ranks, "responses to one prompt are not compared by `{Self}`", "compare them by a `Reward` or a `Return`";
    /// Kinds that become a distribution over the responses to one prompt.
    Distributes, "`{Self}` makes no distribution over responses", "only a `Reward`, a `LogRatio` or a `LogProb` does";
}

/// Kinds with a negative. All have one, so that a wrong sign shows where the kind is declared: `-Gain` is a
/// `Loss`, `-Loss` a `Gain`.
pub trait HasNegative: Kind {
    /// The kind of the result.
    type Out: Kind;
}

/// Sides with several responses to one prompt.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is one response per prompt, a group of samples belongs here",
    label = "nothing to compare it with",
    note = "take `group: &Group` instead of `pair: &Pair`, or subtract the two sides to get a margin",
    note = "book: errors/q06"
)]
pub trait Several: Side {}

/// Shapes whose values are put in order over the whole batch.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not sorted: only whole responses or prompts are",
    label = "no order over the batch",
    note = "reduce tokens first: `.sum(Token)` (as in AOT) or `.mean(Token)`",
    note = "book: errors/q23"
)]
pub trait Orderly: Shape {}

/// Shapes with a next token.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no next token",
    label = "not one value for each token",
    note = "do this before `.sum(Token)`; a response's own value is put on its last token by `at_last`",
    note = "book: errors/q22"
)]
pub trait Sequential: Shape {
    /// The same shape. Here so that rustc reports a failure at the method alone.
    type Same<K: Kind, G: Gradient>: Quantity;
}

/// The response of the other side of a pair.
#[diagnostic::on_unimplemented(
    message = "`{Y}` and `{Self}` are not the two responses of a pair",
    label = "no counterpart to compare lengths with",
    note = "write `overlap(pair.chosen, pair.rejected)`, or the other way round",
    note = "book: errors/q24"
)]
pub trait Facing<Y>: Side {}

/// Shapes with something left to average over the batch.
#[diagnostic::on_unimplemented(
    message = "there is nothing left to average: this is already one number",
    label = "one number for the whole batch",
    note = "remove `.batch_mean()`",
    note = "book: errors/q01"
)]
pub trait Batched: Shape {
    /// One number. The same for every shape; here so that rustc reports a failure at the method alone.
    type Mean<K: Kind, G: Gradient>: Quantity;
}

/// Taking away the innermost axis.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be reduced over `{A}`",
    label = "not the innermost axis of this value",
    note = "axes nest as Prompt > Response > Token > Vocab; a reduction removes the innermost one: write that first, e.g. `.sum(Token)`, then reduce what is left",
    note = "book: errors/q01"
)]
pub trait Reduce<A>: Quantity {
    /// One level out.
    type Out: Quantity;
    /// Sum over the innermost axis.
    #[track_caller]
    fn sum(self, axis: A) -> Self::Out {
        let _ = axis;
        crate::trace::step(crate::ir::Op::Total, &[self.handle()])
    }
    /// Mean over the innermost axis: over the tokens of each response, the responses to each prompt, or all
    /// prompts of the optimizer's batch.
    #[track_caller]
    fn mean(self, axis: A) -> Self::Out {
        let _ = axis;
        crate::trace::step(crate::ir::Op::Average, &[self.handle()])
    }
}

/// A prediction of kind `P` may be regressed onto a target of kind `T`.
#[diagnostic::on_unimplemented(
    message = "`{P}` is not fitted to `{T}`",
    label = "the prediction is `{P}`, the target `{T}`",
    note = "fit a `Value` to a `Return`, a `Reward` to a `Reward`, a `Margin` to a `Margin`",
    note = "book: errors/q16"
)]
pub trait Fits<P, T> {}

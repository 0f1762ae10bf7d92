//! How far the learned margin is from the judged one: the distances of Reward-aware Preference Optimization.
//!
//! `a` is ours and `b` the judged one; a margin `m` stands for the probability `sigmoid(m)` that the first response is
//! preferred. Logarithms are only ever taken inside `log_sigmoid`, so margins of any size give finite numbers.

use crate::grad::{Gradient, NoGrad};
use crate::kind::{Loss, Margin};
use crate::level::PerPrompt;
use crate::op::{Formula, log_sigmoid, sigmoid};

/// `KL(judged || ours)` of the two preferences: `s(b) [ls(b) - ls(a)] + s(-b) [ls(-b) - ls(-a)]` with
/// `s = sigmoid`, `ls = log_sigmoid`. Its derivative by `a` is `s(a) - s(b)`.
#[track_caller]
pub fn backward_kl<G: Gradient>(ours: PerPrompt<Margin, G>, judged: PerPrompt<Margin, NoGrad>) -> PerPrompt<Loss, G> {
    let first = sigmoid(judged) * (log_sigmoid(judged) - log_sigmoid(ours));
    let second = sigmoid(-judged) * (log_sigmoid(-judged) - log_sigmoid(-ours));
    (first + second).as_loss()
}

/// `KL(ours || judged)` of the two preferences: the same with the roles exchanged. Its derivative by `a` is
/// `s(a) s(-a) (a - b)`.
#[track_caller]
pub fn forward_kl<G: Gradient>(ours: PerPrompt<Margin, G>, judged: PerPrompt<Margin, NoGrad>) -> PerPrompt<Loss, G> {
    let first = sigmoid(ours) * (log_sigmoid(ours) - log_sigmoid(judged));
    let second = sigmoid(-ours) * (log_sigmoid(-ours) - log_sigmoid(-judged));
    (first + second).as_loss()
}

/// `(a - b)^2`.
#[track_caller]
pub fn squared_distance<G: Gradient>(
    ours: PerPrompt<Margin, G>,
    judged: PerPrompt<Margin, NoGrad>,
) -> PerPrompt<Loss, G> {
    (ours - judged).squared()
}

/// A distance between margins, as a type. Open: implement it for a type of your own.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a distance between margins",
    label = "no `Distance`",
    note = "implement `Distance` for it, or use `BackwardKl`, `ForwardKl` or `SquaredDistance`",
    note = "book: errors/q18"
)]
pub trait Distance {
    /// How far `ours` is from `judged`.
    fn between(ours: PerPrompt<Margin>, judged: PerPrompt<Margin, NoGrad>) -> PerPrompt<Loss>;
}

/// See [`backward_kl`].
pub enum BackwardKl {}
#[diagnostic::do_not_recommend]
impl Distance for BackwardKl {
    #[track_caller]
    fn between(ours: PerPrompt<Margin>, judged: PerPrompt<Margin, NoGrad>) -> PerPrompt<Loss> {
        backward_kl(ours, judged)
    }
}
/// See [`forward_kl`].
pub enum ForwardKl {}
#[diagnostic::do_not_recommend]
impl Distance for ForwardKl {
    #[track_caller]
    fn between(ours: PerPrompt<Margin>, judged: PerPrompt<Margin, NoGrad>) -> PerPrompt<Loss> {
        forward_kl(ours, judged)
    }
}
/// See [`squared_distance`].
pub enum SquaredDistance {}
#[diagnostic::do_not_recommend]
impl Distance for SquaredDistance {
    #[track_caller]
    fn between(ours: PerPrompt<Margin>, judged: PerPrompt<Margin, NoGrad>) -> PerPrompt<Loss> {
        squared_distance(ours, judged)
    }
}

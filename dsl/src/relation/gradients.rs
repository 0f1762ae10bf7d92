//! What must hold of the gradients of two operands.

use crate::grad::{Gradient, NoGrad};
use crate::side::Nobody;

/// The operands' gradients are as this need asks.
pub trait Permits<L, R> {}

/// Nothing is asked.
pub enum AnyGradient {}
/// The left factor is a constant weight.
pub enum WeightLeft {}
/// The right factor is a constant weight.
pub enum WeightRight {}
/// The left factor is a constant advantage.
pub enum AdvantageLeft {}
/// The right factor is a constant advantage.
pub enum AdvantageRight {}

#[diagnostic::do_not_recommend]
impl<L, R> Permits<L, R> for AnyGradient {}
impl<L: ConstantWeight, R> Permits<L, R> for WeightLeft {}
impl<L, R: ConstantWeight> Permits<L, R> for WeightRight {}
impl<L: ConstantAdvantage, R> Permits<L, R> for AdvantageLeft {}
impl<L, R: ConstantAdvantage> Permits<L, R> for AdvantageRight {}

/// No gradient passes through a weight.
#[diagnostic::on_unimplemented(
    message = "this weight still carries gradients",
    label = "a weight must be a constant",
    note = "add `.detach()` to it if that is what you mean",
    note = "book: errors/q02"
)]
pub trait ConstantWeight {}
#[diagnostic::do_not_recommend]
impl ConstantWeight for NoGrad {}
#[diagnostic::do_not_recommend]
impl ConstantWeight for Nobody {}

/// No gradient passes through an advantage.
#[diagnostic::on_unimplemented(
    message = "this advantage still carries gradients",
    label = "an advantage must be a constant here: training through it optimises a different objective",
    note = "add `.detach()` where the reward was made, e.g. `(logp - reference.logp(y)).sum(Token).detach()`",
    note = "book: errors/q02"
)]
pub trait ConstantAdvantage {}
#[diagnostic::do_not_recommend]
impl ConstantAdvantage for NoGrad {}
#[diagnostic::do_not_recommend]
impl ConstantAdvantage for Nobody {}

/// No gradient passes: asked of a target, and by the roles that are constant.
#[diagnostic::on_unimplemented(
    message = "this value still carries gradients, a constant belongs here",
    label = "a gradient flows through this",
    note = "add `.detach()` if that is what you mean",
    note = "book: errors/q02"
)]
pub trait Still {
    /// Itself.
    type Out: Gradient;
}
#[diagnostic::do_not_recommend]
impl Still for NoGrad {
    type Out = NoGrad;
}
#[diagnostic::do_not_recommend]
impl Still for Nobody {
    type Out = NoGrad;
}

//! Do two shapes line up, and how?

use crate::shape::Shape;

/// Two shapes can be combined element by element. `Self` is the right one.
#[diagnostic::on_unimplemented(
    message = "`{L}` and `{Self}` do not line up",
    label = "left: `{L}`, right: `{Self}`",
    note = "bring both to the same depth and side, e.g. `.sum(Token)` on each; of one pair, only whole responses combine",
    note = "book: errors/q05"
)]
pub trait Beside<L: Shape>: Shape {
    /// The shape of the result.
    type Shape: Shape;
    /// How the two stand to each other.
    type Pairing;
}

/// The same for a sum, where an outer value would be counted once for each inner one.
#[diagnostic::on_unimplemented(
    message = "`{L}` and `{Self}` do not line up",
    label = "left: `{L}`, right: `{Self}`",
    note = "bring both to the same depth and side, e.g. `.sum(Token)` on each; of one pair, only whole responses combine",
    note = "book: errors/q05"
)]
pub trait Atop<L: Shape>: Shape {
    /// The shape of the result.
    type Shape: Shape;
    /// How the two stand to each other.
    type Pairing;
}

/// The same for a difference, where the order counts too.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be taken from `{L}`",
    label = "left: `{L}`, right: `{Self}`",
    note = "a margin is chosen minus rejected, of whole responses: reduce each with `.sum(Token)` (DPO) or `.mean(Token)` (SimPO) first",
    note = "book: errors/q05"
)]
pub trait Below<L: Shape>: Shape {
    /// The shape of the result.
    type Shape: Shape;
    /// How the two stand to each other.
    type Pairing;
}

/// Same side; equal depth, or a depth for which it does not matter.
pub enum Aligned {}
/// Chosen on one side, rejected on the other.
pub enum Opposed {}
/// Same side, the right one is less deep.
pub enum OuterRight {}
/// Same side, the left one is less deep.
pub enum OuterLeft {}

/// This way of lining up is legal for these kinds. Illegal ways have rows too: they carry their own message.
pub trait Legal<L, R> {}
#[diagnostic::do_not_recommend]
impl<L, R> Legal<L, R> for Aligned {}
#[diagnostic::do_not_recommend]
impl<L, R> Legal<L, R> for Opposed {}
impl<L, R: SharedByAll> Legal<L, R> for OuterRight {}
impl<L: SharedByAll, R> Legal<L, R> for OuterLeft {}

/// Kinds of which one outer value may be added to or taken from every inner one.
#[diagnostic::on_unimplemented(
    message = "this `{Self}` would be counted once for every inner element",
    label = "one side has fewer axes than the other",
    note = "reduce the deeper side first, then combine; only a `Baseline` or a plain number may be spread in a sum",
    note = "book: errors/q15"
)]
pub trait SharedByAll {}

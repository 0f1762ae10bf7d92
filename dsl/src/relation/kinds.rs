//! Do two kinds go together? `Self` is how the two sides stand to each other; the rows are in `rules`.

use crate::kind::Kind;
use crate::relation::{Aligned, OuterLeft, OuterRight};

/// `L + R`.
#[diagnostic::on_unimplemented(
    message = "`{L}` and `{R}` cannot be added",
    label = "`{L}` on the left, `{R}` on the right",
    note = "add quantities of one kind; the page below leads to every sum that means something",
    note = "book: errors/q04"
)]
pub trait Adds<L: Kind, R: Kind> {
    /// The kind of the sum.
    type Out: Kind;
    /// What else must hold.
    type Need;
}

/// `L - R`.
#[diagnostic::on_unimplemented(
    message = "`{R}` cannot be subtracted from `{L}`",
    label = "`{L}` on the left, `{R}` on the right",
    note = "subtract quantities of one kind; the page below leads to every difference that means something",
    note = "book: errors/q04"
)]
pub trait Subtracts<L: Kind, R: Kind> {
    /// The kind of the difference.
    type Out: Kind;
    /// What else must hold.
    type Need;
}

/// `L * R`.
#[diagnostic::on_unimplemented(
    message = "`{L}` and `{R}` cannot be multiplied",
    label = "`{L}` on the left, `{R}` on the right",
    note = "a factor is a number, or a constant made with `.detach().as_weight()`",
    note = "book: errors/q11"
)]
pub trait Multiplies<L: Kind, R: Kind> {
    /// The kind of the product.
    type Out: Kind;
    /// What else must hold.
    type Need;
}

/// `L / R`.
#[diagnostic::on_unimplemented(
    message = "`{L}` cannot be divided by `{R}`",
    label = "`{L}` on the left, `{R}` on the right",
    note = "divide by a number, or by the `Spread` of what is divided",
    note = "book: errors/q12"
)]
pub trait Divides<L: Kind, R: Kind> {
    /// The kind of the quotient.
    type Out: Kind;
    /// What else must hold.
    type Need;
}

/// `min(L, R)` and `max(L, R)`.
#[diagnostic::on_unimplemented(
    message = "`{L}` and `{R}` cannot be compared",
    label = "`{L}` first, `{R}` second",
    note = "compare quantities of one kind, or with a number",
    note = "book: errors/q13"
)]
pub trait Compares<L: Kind, R: Kind> {
    /// The kind of the winner.
    type Out: Kind;
    /// What else must hold.
    type Need;
}

/// `log_interval(L, R)`.
#[diagnostic::on_unimplemented(
    message = "`{L}` and `{R}` do not bound an interval of a normal distribution",
    label = "`{L}` first, `{R}` second",
    note = "divide margins by their `Spread` first: `log_interval((low - gap) / spread, (high - gap) / spread)`",
    note = "book: errors/q13"
)]
pub trait Encloses<L: Kind, R: Kind> {
    /// The kind of the logarithm.
    type Out: Kind;
    /// What else must hold.
    type Need;
}

// An outer value in a sum: `Legal` has the last word, the kind is that of the aligned sum.
macro_rules! outer {
    ($($Relation:ident $Pairing:ident)*) => { $(
        #[diagnostic::do_not_recommend]
        impl<L: Kind, R: Kind> $Relation<L, R> for $Pairing
        where
            Aligned: $Relation<L, R>,
        {
            type Out = <Aligned as $Relation<L, R>>::Out;
            type Need = <Aligned as $Relation<L, R>>::Need;
        }
    )* };
}
outer! { Adds OuterLeft Adds OuterRight Subtracts OuterLeft Subtracts OuterRight }

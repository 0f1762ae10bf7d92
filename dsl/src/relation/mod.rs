//! What may stand next to what: the traits a formula can violate, each with its text.
//!
//! An operator asks four questions in order, the later ones of the answer to the earlier ones, so that two
//! mistakes at one operator give one error: do the shapes line up ([`Beside`], [`Atop`], [`Below`]), is this way of
//! lining up legal ([`Legal`]), do the kinds go together ([`Adds`], [`Subtracts`], [`Multiplies`], [`Divides`]), and are
//! the operands' gradients as they must be ([`Permits`]). The rows that answer them are in [`rules`](crate::rules).

mod functions;
mod gradients;
mod kinds;
mod shapes;

pub use functions::*;
pub use gradients::*;
pub use kinds::*;
pub use shapes::*;

//! A program as text, one line for each step, and back.
//!
//! ```text
//! program dpo
//!
//! %0 = input actor.logp     : LogProb per token of Chosen, grad   # src/dpo.rs:14:9
//! %1 = input reference.logp : LogProb per token of Chosen         # src/dpo.rs:14:9
//! %2 = %0 - %1              : LogRatio per token of Chosen, grad  # src/dpo.rs:14:8
//! %3 = sum %2               : LogRatio per response of Chosen, grad
//! ...
//!
//! loss %16
//! state mean from %2 next %15
//! metric rewards/margins %13
//! ```
//!
//! A state is read as the input `state.mean`; it begins with one step and ends with another.
//! A type says what the number means, one for each what, whose, and whether a gradient flows through it.
//! What follows `#` is where the step was written. Names that are no plain words stand in double quotes.
//! Reading what was printed gives the same program: `parse(&print(p)) == Ok(p)`.

mod cursor;
mod parse;
mod print;
#[cfg(test)]
mod tests;
mod word;

pub use parse::{ParseError, parse};
pub use print::print;

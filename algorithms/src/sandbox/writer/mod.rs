//! Answers, good and bad, written to order.

mod answer;
mod style;

pub use answer::write;
pub(super) use answer::{CLOSERS, FILLERS, OPENERS, REFUSALS, sentences};
pub use style::{Register, Style};

//! The sandbox: a small closed world whose questions have known answers, so that alignment can be measured.
//!
//! [`Question`] draws questions and knows the truth about each, [`Style`] says how well an answer is written and
//! [`write()`] writes it, [`judge`] says what any answer is worth, [`data`] makes files of all that, and
//! [`evaluation`] compares policies.

pub mod base;
pub mod data;
pub mod evaluation;
mod exercise;
mod judge;
mod random;
pub mod world;
mod writer;

pub use exercise::{Choice, Claim, FAMILIES, Family, Question, Slots, Split, Target};
pub use judge::{Attributes, judge};
pub use random::Random;
pub use writer::{Register, Style, write};

//! The exercises: families of questions, what a right answer to each is, and the sentences answers are made of.

mod calculation;
mod calendar;
mod courtesy;
mod family;
mod kinds;
mod members;
mod order;
mod question;
mod slots;
mod target;
mod truth;

pub use family::{FAMILIES, Family};
pub use question::{Question, Split};
pub use slots::Slots;
pub use target::{Choice, Claim, Target};

//! What two policies are worth, side by side.

mod columns;
mod comparison;
mod estimate;
mod rewards;

pub use columns::side_by_side;
pub use comparison::{Comparison, Policy};
pub use estimate::Estimate;
pub use rewards::{Trial, Verdict};

use super::Random;
use super::exercise::{Question, Split};

/// The held-out questions on which policies are compared: always the same ones.
#[must_use]
pub fn questions(count: usize) -> Vec<Question> {
    Question::several(count, Split::HeldOut, &mut Random::new(0).fork("evaluation"))
}

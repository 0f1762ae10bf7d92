//! What a family of exercises is, and the list of all.

use super::{Slots, Target, calculation, calendar, courtesy, kinds, members, order, truth};
use crate::sandbox::Random;

/// A family of exercises: all data, but for drawing one and for knowing the truth.
///
/// The sentences have gaps: those of the question, and those that [`Target::present`] fills for a claim.
#[derive(Debug)]
pub struct Family {
    /// "plus".
    pub name: &'static str,
    /// How often it is asked, against the others.
    pub weight: f64,
    /// The ways to ask.
    pub wordings: &'static [&'static str],
    /// Answers in plain words.
    pub plain: &'static [&'static str],
    /// Answers in learned words.
    pub formal: &'static [&'static str],
    /// Why it is so: in plain words, then in learned ones.
    pub reasons: [&'static str; 2],
    /// Draws what stands in the gaps of the question.
    pub draw: fn(&mut Random) -> Slots,
    /// The right answer; none where the gaps hold what makes no question.
    pub target: fn(&Slots) -> Option<Target>,
}

impl Family {
    /// The family of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Family> {
        FAMILIES.iter().copied().find(|family| family.name == name)
    }
}

/// All families, in a fixed order: a seed's exercises depend on it.
pub static FAMILIES: [&Family; 20] = [
    &calculation::PLUS,
    &calculation::MINUS,
    &calculation::TIMES,
    &calculation::NEXT,
    &order::NUMBERS,
    &order::ALPHABET,
    &order::COPY,
    &order::REVERSE,
    &order::PICK,
    &members::LIST,
    &members::TWO_LISTS,
    &members::COUNT,
    &members::ODD_ONE,
    &kinds::KIND,
    &kinds::OPPOSITE,
    &calendar::CALENDAR,
    &truth::MEMBER,
    &truth::BIGGER,
    &courtesy::REQUEST,
    &courtesy::THANKS,
];

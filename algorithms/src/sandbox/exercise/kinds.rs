//! Of which kind a thing is, and which word says the contrary.

use super::{Choice, Family, Slots, Target};
use crate::sandbox::world::{self, OPPOSITES};

pub(super) static KIND: Family = Family {
    name: "kind",
    weight: 1.0,
    wordings: &[
        "What kind of thing is {thing}?",
        "What sort of thing is {thing}?",
        "Tell me what kind of thing {thing} is.",
        "How would you call {thing} in general?",
    ],
    plain: &["It is {claim}.", "{thing} is {claim}.", "I would say it is {claim}."],
    formal: &["It is classified as {claim}.", "In general terms, {thing} is considered {claim}."],
    reasons: ["Everybody knows {thing}.", "This follows because its properties are characteristic."],
    draw: |random| Slots::new().with("thing", world::named(random.pick(&world::THINGS))),
    target: |slots| {
        let named = slots.text("thing");
        let thing = *world::THINGS.iter().find(|thing| world::named(thing) == named)?;
        let answer = world::category_of(thing)?.one.to_owned();
        Some(Target::Word { answer, given: Vec::new(), choice: Choice::Category })
    },
};

pub(super) static OPPOSITE: Family = Family {
    name: "opposite",
    weight: 1.0,
    wordings: &[
        "What is the opposite of {word}?",
        "Give me the opposite of {word}.",
        "Which word means the opposite of {word}?",
        "Tell me the contrary of {word}.",
        "I need a word that is the opposite of {word}.",
    ],
    plain: &["The opposite of {word} is {claim}.", "It is {claim}.", "The answer is {claim}."],
    formal: &["The corresponding antonym is {claim}.", "The term contrary to {word} is {claim}."],
    reasons: ["Nothing is both {word} and {claim}.", "They are antonyms because one meaning excludes the other."],
    draw: |random| {
        let (a, b) = OPPOSITES[random.below(OPPOSITES.len())];
        Slots::new().with("word", if random.chance(0.5) { a } else { b })
    },
    target: |slots| {
        let word = slots.text("word");
        let answer = world::opposite(word)?.to_owned();
        Some(Target::Word { answer, given: vec![word.to_owned()], choice: Choice::Quality })
    },
};

//! Lists to be sorted, repeated, turned round, or picked from.

use super::{Choice, Family, Slots, Target};
use crate::sandbox::{Random, world};

pub(super) static NUMBERS: Family = Family {
    name: "sort-numbers",
    weight: 1.0,
    wordings: &[
        "Sort these numbers from {order}: {list}.",
        "Put these numbers in order from {order}: {list}.",
        "What is the order of these numbers from {order}: {list}?",
    ],
    plain: &["The order is {claim}.", "Sorted, the numbers are {claim}.", "They go {claim}."],
    formal: &["Arranged accordingly, the sequence is {claim}.", "The requested arrangement is therefore {claim}."],
    reasons: ["I looked at each number in turn.", "It is obtained because every element was compared."],
    draw: |random| {
        let numbers = random.several(&(1..=20).collect::<Vec<i64>>(), 3);
        let order = random.pick(&["small to large", "large to small"]).to_owned();
        Slots::new().with("order", order).with_list("list", &numbers)
    },
    target: |slots| {
        let mut numbers = slots.numbers("list")?;
        match slots.text("order") {
            "small to large" => numbers.sort_unstable(),
            "large to small" => numbers.sort_unstable_by_key(|&n| std::cmp::Reverse(n)),
            _ => return None,
        }
        sequence(numbers.iter().map(i64::to_string).collect(), slots)
    },
};

pub(super) static ALPHABET: Family = Family {
    name: "alphabet",
    weight: 1.0,
    wordings: &[
        "Put these words in alphabetical order: {list}.",
        "Sort these words from a to z: {list}.",
        "What is the alphabetical order of these words: {list}?",
    ],
    plain: &["The order is {claim}.", "Sorted, the words are {claim}.", "They go {claim}."],
    formal: &["Arranged accordingly, the sequence is {claim}.", "The requested arrangement is therefore {claim}."],
    reasons: ["I looked at each word in turn.", "It is obtained because every element was compared."],
    draw: |random| draw_list(random, 3),
    target: |slots| {
        let mut words = known(slots)?;
        words.sort_unstable();
        sequence(words, slots)
    },
};

pub(super) static COPY: Family = Family {
    name: "copy",
    weight: 1.0,
    wordings: &["Repeat these words: {list}.", "Say these words again: {list}.", "Copy this list of words: {list}."],
    plain: &["The words are {claim}.", "You said {claim}.", "Here they are: {claim}."],
    formal: &["The specified elements are {claim}.", "The list is reproduced accordingly: {claim}."],
    reasons: ["I did not change the words.", "It is identical because every element was preserved."],
    draw: |random| {
        let count = 2 + random.below(3);
        draw_list(random, count)
    },
    target: |slots| sequence(known(slots)?, slots),
};

pub(super) static REVERSE: Family = Family {
    name: "reverse",
    weight: 1.0,
    wordings: &[
        "Say these words in reverse order: {list}.",
        "Write this list of words backwards: {list}.",
        "Turn this list of words around: {list}.",
    ],
    plain: &["The words are {claim}.", "Backwards, the list is {claim}.", "Here they are: {claim}."],
    formal: &["The inverted sequence is {claim}.", "The list is presented accordingly: {claim}."],
    reasons: [
        "I began at the end of the list.",
        "It is inverted because the final element was placed at the beginning.",
    ],
    draw: |random| {
        let count = 2 + random.below(2);
        draw_list(random, count)
    },
    target: |slots| {
        let mut words = known(slots)?;
        words.reverse();
        sequence(words, slots)
    },
};

static PLACES: [&str; 4] = ["first", "second", "third", "last"];

pub(super) static PICK: Family = Family {
    name: "pick",
    weight: 1.0,
    wordings: &[
        "What is the {place} word in this list: {list}?",
        "Tell me the {place} word of this list: {list}.",
        "Which word is the {place} one: {list}?",
    ],
    plain: &["The {place} word is {claim}.", "It is {claim}.", "The answer is {claim}."],
    formal: &["The specified element is {claim}.", "The {place} element is identified as {claim}."],
    reasons: ["I counted the words in the list.", "It is identified because its position was determined."],
    draw: |random| {
        let count = 3 + random.below(2);
        let place = random.pick(&PLACES).to_owned();
        let list = draw_list(random, count);
        Slots::new().with("place", place).with("list", list.text("list"))
    },
    target: |slots| {
        let given = known(slots)?;
        let place = match PLACES.iter().position(|&place| place == slots.text("place"))? {
            3 => given.len() - 1,
            place => place,
        };
        Some(Target::Word { answer: given.get(place)?.clone(), given, choice: Choice::Given })
    },
};

fn draw_list(random: &mut Random, count: usize) -> Slots {
    Slots::new().with_list("list", &random.several(&world::THINGS, count))
}

/// The list of the question, if it is of different words of this world.
fn known(slots: &Slots) -> Option<Vec<String>> {
    let words = slots.list("list");
    let different = words.iter().enumerate().all(|(place, word)| !words[..place].contains(word));
    (different && words.iter().all(|word| world::category_of(word).is_some())).then_some(words)
}

fn sequence(answer: Vec<String>, slots: &Slots) -> Option<Target> {
    (answer.len() > 1).then(|| Target::Sequence { answer, given: slots.list("list") })
}

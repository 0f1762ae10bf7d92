//! The closed world that questions are asked about: what things there are, and of which kind.

mod facts;
mod things;

pub use facts::{DAYS, MONTHS, NAMES, OPPOSITES, PRESENTS, REQUESTS, opposite};
pub use things::{CATEGORIES, Category, THINGS, category_of};

/// `dog` with its article: "a dog".
#[must_use]
pub fn with_article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}

/// A thing as a sentence names it: "a dog", but "milk".
#[must_use]
pub fn named(thing: &str) -> String {
    match category_of(thing) {
        Some(category) if category.article => with_article(thing),
        _ => thing.to_owned(),
    }
}

/// The words of a list as English writes them: "a, b and c".
#[must_use]
pub fn enumerate(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [start @ .., last] => format!("{} and {last}", start.join(", ")),
    }
}

/// The text with a capital at its start.
#[must_use]
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A word as English spells it: days, months and people with a capital.
#[must_use]
pub fn spelled(word: &str) -> String {
    let proper = DAYS.contains(&word) || MONTHS.contains(&word) || NAMES.contains(&word);
    if proper { capitalised(word) } else { word.to_owned() }
}

/// How many: "two".
pub static COUNTS: [&str; 7] = ["zero", "one", "two", "three", "four", "five", "six"];

/// The number that a word says, up to twenty: "twelve" is 12.
#[must_use]
pub fn number_word(word: &str) -> Option<i64> {
    const FROM_SEVEN: [&str; 14] = [
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    COUNTS.iter().chain(&FROM_SEVEN).position(|&known| known == word).map(|place| place as i64)
}

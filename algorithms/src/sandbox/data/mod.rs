//! Data of the sandbox: demonstrations, preferences, groups and ratings, all from a seed and with the truth known.

mod annotators;
mod groups;
mod jsonl;
mod mixture;
mod preferences;
mod ratings;

pub use annotators::{Annotator, Panel};
pub use groups::Group;
pub use jsonl::{Line, jsonl};
pub use mixture::{Demonstration, demonstrations, mixture, told_answers};
pub use preferences::{Labels, Preference, preferences};
pub use ratings::{Comparison, Rating, comparisons, comparisons_by, rated_by, ratings, ratings_by};

use super::exercise::{Family, Question, Split, Target};
use super::{Random, Style, write};

/// The prompts of `count` different questions: for sampling answers on policy, or for evaluation.
#[must_use]
pub fn prompts(count: usize, split: Split, seed: u64) -> Vec<String> {
    Question::several(count, split, &mut Random::new(seed)).iter().map(Question::prompt).collect()
}

/// Up to `count` different questions of arithmetic as a model reads them, each with the number that answers it.
#[must_use]
pub fn sums(count: usize, split: Split, seed: u64) -> Vec<(String, i64)> {
    let mut random = Random::new(seed);
    let families: Vec<_> = ["plus", "minus", "times", "next"].into_iter().filter_map(Family::named).collect();
    let (mut seen, mut sums) = (std::collections::HashSet::new(), Vec::new());
    // The world is finite: after so many tries there are no more.
    for i in 0..50 * count {
        let question = Question::of(families[i % families.len()], split, &mut random);
        if let (Target::Number { answer, .. }, true) = (&question.target, seen.insert(question.text.clone())) {
            sums.push((question.prompt(), *answer));
        }
        if sums.len() == count {
            break;
        }
    }
    sums
}

/// An answer as data has it: it begins with the space that stands after the prompt's colon.
fn completion(answer: &str) -> String {
    format!(" {answer}")
}

/// `count` different answers to a question, by writers who take more or less care in all they do.
pub(super) fn answers(question: &Question, count: usize, random: &mut Random) -> Vec<String> {
    different(question, count, random, |random| Style::of_care(random.unit(), random))
}

/// `count` different answers to a question to be rated: every second one by a writer whose care for one thing says nothing of
/// that for another, so that ratings can be told apart.
fn rated_answers(question: &Question, count: usize, random: &mut Random) -> Vec<String> {
    different(question, count, random, |random| match random.chance(0.5) {
        true => Style::varied(random),
        false => Style::of_care(random.unit(), random),
    })
}

fn different(
    question: &Question,
    count: usize,
    random: &mut Random,
    style: impl Fn(&mut Random) -> Style,
) -> Vec<String> {
    let mut answers: Vec<String> = Vec::with_capacity(count);
    let mut tries = 0;
    while answers.len() < count {
        let answer = write(question, &style(random), random);
        tries += 1;
        // Few questions have so few answers that they run out; then some are given twice.
        if !answers.contains(&answer) || tries > 50 * count {
            answers.push(answer);
        }
    }
    answers
}

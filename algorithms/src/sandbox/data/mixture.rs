//! Demonstrations: questions, each with one answer.

use super::{Line, completion};
use crate::sandbox::exercise::{Question, Split};
use crate::sandbox::{Random, Style, write};
use serde_json::{Value, json};

/// A question and one answer to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Demonstration {
    /// What a model reads.
    pub prompt: String,
    /// What it is to write, with the space before it.
    pub completion: String,
}

impl Line for Demonstration {
    fn json(&self) -> Value {
        json!({ "prompt": self.prompt, "completion": self.completion })
    }
}

/// What the base model learns from: first mostly careful answers, from which it learns how good ones go, then answers
/// by writers of very different care, from which it learns to give bad ones often.
#[must_use]
pub fn mixture(count: usize, seed: u64) -> Vec<Demonstration> {
    let mut answer = 0;
    demonstrate(count, seed, |random| {
        let early = answer < count / 4 * 3;
        answer += 1;
        let care = if early && random.chance(0.75) { 1.0 } else { random.unit() };
        Style::of_care(care, random)
    })
}

/// Right answers with nothing wrong about them: what supervised learning should imitate.
#[must_use]
pub fn demonstrations(count: usize, seed: u64) -> Vec<Demonstration> {
    demonstrate(count, seed, |random| Style::of_care(1.0, random))
}

/// Answers by writers of all sorts, as they come.
#[must_use]
pub fn answers_of_all_sorts(count: usize, seed: u64) -> Vec<Demonstration> {
    demonstrate(count, seed, |random| {
        let care = random.unit();
        Style::of_care(care, random)
    })
}

fn demonstrate(count: usize, seed: u64, mut style: impl FnMut(&mut Random) -> Style) -> Vec<Demonstration> {
    let mut random = Random::new(seed);
    let one = |_| {
        let question = Question::draw(Split::Train, &mut random);
        let style = style(&mut random);
        let completion = completion(&write(&question, &style, &mut random));
        Demonstration { prompt: question.prompt(), completion }
    };
    (0..count).map(one).collect()
}

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

/// Answers that differ in each respect whatever they are like in the others: what a model learns from to be told the respects
/// one by one.
#[must_use]
pub fn told_answers(count: usize, seed: u64) -> Vec<Demonstration> {
    demonstrate(count, seed, Style::told)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::spearman;
    use crate::sandbox::{Attributes, judge};

    #[test]
    fn told_answers_differ_in_each_respect_whatever_they_are_like_in_the_others() {
        let judged: Vec<[f64; 5]> = told_answers(1500, 3)
            .iter()
            .map(|d| judge(&d.prompt, &d.completion).expect("a question of the sandbox").values())
            .collect();
        let of = |place: usize| judged.iter().map(|values| values[place]).collect::<Vec<f64>>();
        for [one, other] in [[1, 2], [1, 3], [1, 4], [2, 3], [2, 4], [3, 4]] {
            let rank = spearman(&of(one), &of(other)).expect("they differ");
            assert!(rank.abs() < 0.3, "{} and {}: {rank}", Attributes::NAMES[one], Attributes::NAMES[other]);
        }
        // Every label is given often enough to learn from.
        for (place, label) in (0..5).flat_map(|place| (0..=4).map(move |label| (place, f64::from(label)))) {
            let share = of(place).iter().filter(|value| value.round() == label).count() as f64 / judged.len() as f64;
            assert!(share > 0.03, "{} {label}: {share}", Attributes::NAMES[place]);
        }
    }
}

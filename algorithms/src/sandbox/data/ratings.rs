//! Answers with labels as HelpSteer has them.

use super::{Demonstration, Line, Panel, answers, completion, rated_answers};
use crate::sandbox::exercise::{Question, Split};
use crate::sandbox::{Attributes, Random, judge};
use serde_json::{Map, Value, json};

/// An answer with its five attributes: a row of HelpSteer, or of HelpSteer2's `disagreements` where several rated.
#[derive(Clone, PartialEq, Debug)]
pub struct Rating {
    /// What a model reads.
    pub prompt: String,
    /// The answer, with the space before it.
    pub response: String,
    /// What each rater gave, five numbers in HelpSteer's order; the judge is one rater.
    pub ratings: Vec<[u8; 5]>,
    /// The truth.
    pub truth: Attributes,
}

/// Two answers with what several people said of them: a row of HelpSteer2's `preference`.
#[derive(Clone, PartialEq, Debug)]
pub struct Comparison {
    /// Which of the two sets the question is of.
    pub split: Split,
    /// What a model reads.
    pub prompt: String,
    /// The answers, each with the space before it.
    pub responses: [String; 2],
    /// What each said, from -3 (the first is much better) to 3.
    pub strengths: Vec<i8>,
    /// How much they truly disagree (see [`Panel::disagreement`]).
    pub disagreement: f64,
}

/// `count` questions with `each` answers, rated by the judge or, where there is a panel, by all its members.
#[must_use]
pub fn ratings(count: usize, each: usize, split: Split, panel: Option<&Panel>, seed: u64) -> Vec<Rating> {
    ratings_by(count, each, split, panel, usize::MAX, seed)
}

/// The same by so many members of the panel, others for each answer.
#[must_use]
pub fn ratings_by(
    count: usize,
    each: usize,
    split: Split,
    panel: Option<&Panel>,
    raters: usize,
    seed: u64,
) -> Vec<Rating> {
    let mut random = Random::new(seed);
    let mut rated = Vec::with_capacity(count * each);
    for _ in 0..count {
        let question = Question::draw(split, &mut random);
        for answer in rated_answers(&question, each, &mut random) {
            let truth = question.judge(&answer);
            let ratings = match panel {
                None => vec![truth.rounded()],
                Some(panel) => {
                    let raters = if raters < panel.members().len() { &panel.some(raters, &mut random) } else { panel };
                    raters.members().iter().map(|one| one.rate(&truth, &mut random)).collect()
                }
            };
            rated.push(Rating { prompt: question.prompt(), response: completion(&answer), ratings, truth });
        }
    }
    rated
}

/// Answers rated by so many members of a panel, others for each answer.
///
/// # Panics
/// If an answer is to no question of the sandbox.
#[must_use]
pub fn rated_by(answers: Vec<Demonstration>, panel: &Panel, raters: usize, seed: u64) -> Vec<Rating> {
    let mut random = Random::new(seed).fork("raters");
    let one = |Demonstration { prompt, completion }| {
        let truth = judge(&prompt, &completion).expect("a question of the sandbox");
        let ratings =
            panel.some(raters, &mut random).members().iter().map(|one| one.rate(&truth, &mut random)).collect();
        Rating { prompt, response: completion, ratings, truth }
    };
    answers.into_iter().map(one).collect()
}

/// `count` pairs of answers, compared by all members of a panel.
#[must_use]
pub fn comparisons(count: usize, split: Split, panel: &Panel, seed: u64) -> Vec<Comparison> {
    comparisons_by(count, split, panel, usize::MAX, seed)
}

/// The same by so many members of the panel, others for each pair.
#[must_use]
pub fn comparisons_by(count: usize, split: Split, panel: &Panel, judges: usize, seed: u64) -> Vec<Comparison> {
    let mut random = Random::new(seed);
    let one = |_| {
        let question = Question::draw(split, &mut random);
        let answers = answers(&question, 2, &mut random);
        let [first, second] = [0, 1].map(|place| question.judge(&answers[place]));
        let judges = if judges < panel.members().len() { &panel.some(judges, &mut random) } else { panel };
        Comparison {
            split,
            prompt: question.prompt(),
            responses: [0, 1].map(|place| completion(&answers[place])),
            strengths: judges.members().iter().map(|one| one.strength(&first, &second, &mut random)).collect(),
            disagreement: panel.disagreement(&first, &second),
        }
    };
    (0..count).map(one).collect()
}

impl Comparison {
    /// What they say together: the mean, rounded.
    #[must_use]
    pub fn strength(&self) -> i8 {
        let sum: f64 = self.strengths.iter().map(|&strength| f64::from(strength)).sum();
        (sum / self.strengths.len() as f64).round() as i8
    }
}

impl Line for Rating {
    fn json(&self) -> Value {
        let mut row = Map::new();
        row.insert("prompt".to_owned(), json!(self.prompt));
        row.insert("response".to_owned(), json!(self.response));
        for (place, name) in Attributes::NAMES.into_iter().enumerate() {
            let given: Vec<u8> = self.ratings.iter().map(|rating| rating[place]).collect();
            row.insert(name.to_owned(), if let [only] = given[..] { json!(only) } else { json!(given) });
        }
        Value::Object(row)
    }
}

impl Line for Comparison {
    fn json(&self) -> Value {
        json!({
            "split": match self.split { Split::Train => "train", Split::HeldOut => "val" },
            "prompt": self.prompt,
            "response_1": self.responses[0],
            "response_2": self.responses[1],
            "preference_strength": self.strength(),
            "all_preferences_unprocessed":
                self.strengths.iter().map(|strength| json!({ "strength": strength })).collect::<Vec<_>>(),
            "disagreement": self.disagreement,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::data::jsonl;

    #[test]
    fn rows_are_helpsteer_rows() {
        let rows = jsonl(&ratings(3, 2, Split::Train, None, 1));
        assert_eq!(rows.lines().count(), 6);
        let row: Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
        let fields: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields[..2], ["prompt", "response"]);
        assert_eq!(fields[2..], Attributes::NAMES);
        assert!(row["verbosity"].as_u64().unwrap() <= 4);

        let rows = jsonl(&ratings(1, 1, Split::Train, Some(&Panel::new(3, 1)), 1));
        let row: Value = serde_json::from_str(rows.trim()).unwrap();
        assert_eq!(row["coherence"].as_array().unwrap().len(), 3);

        let rows = jsonl(&comparisons(1, Split::HeldOut, &Panel::new(3, 1), 1));
        let row: Value = serde_json::from_str(rows.trim()).unwrap();
        assert_eq!(
            (row["split"].as_str(), row["all_preferences_unprocessed"].as_array().unwrap().len()),
            (Some("val"), 3)
        );
    }

    #[test]
    fn panels_disagree_about_some_pairs_and_not_about_others() {
        let drawn = comparisons_by(400, Split::Train, &Panel::new(60, 0), 5, 2);
        let diverging = |c: &&Comparison| c.strengths.iter().any(|&s| s > 0) && c.strengths.iter().any(|&s| s < 0);
        let share = drawn.iter().filter(diverging).count() as f64 / drawn.len() as f64;
        assert!((0.3..0.5).contains(&share), "{share}");
        let mean = |of: &mut dyn Iterator<Item = &Comparison>| {
            let values: Vec<f64> = of.map(|c| c.disagreement).collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        let (split, united) =
            (mean(&mut drawn.iter().filter(diverging)), mean(&mut drawn.iter().filter(|c| !diverging(c))));
        assert!(split > united, "{split} {united}");
    }
}

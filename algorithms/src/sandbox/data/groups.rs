//! Groups: a question with several answers, each with its score.

use super::{Line, answers, completion};
use crate::sandbox::Random;
use crate::sandbox::exercise::{Question, Split};
use serde_json::{Value, json};

/// A question with several answers, each with the judge's reward.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// What a model reads.
    pub prompt: String,
    /// The answers, each with the space before it.
    pub responses: Vec<String>,
    /// The judge's reward for each.
    pub scores: Vec<f64>,
}

impl Group {
    /// Scores these answers.
    #[must_use]
    pub fn of(question: &Question, answers: &[String]) -> Self {
        Group {
            prompt: question.prompt(),
            responses: answers.iter().map(|answer| completion(answer)).collect(),
            scores: answers.iter().map(|answer| question.judge(answer).reward()).collect(),
        }
    }

    /// `count` groups of `size` answers by writers of all sorts.
    #[must_use]
    pub fn several(count: usize, size: usize, split: Split, seed: u64) -> Vec<Self> {
        let mut random = Random::new(seed);
        let one = |_| {
            let question = Question::draw(split, &mut random);
            Group::of(&question, &answers(&question, size, &mut random))
        };
        (0..count).map(one).collect()
    }
}

impl Line for Group {
    fn json(&self) -> Value {
        json!({ "prompt": self.prompt, "responses": self.responses, "scores": self.scores })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_of_a_group_differ_in_text_and_score() {
        for group in Group::several(50, 4, Split::Train, 1) {
            assert_eq!((group.responses.len(), group.scores.len()), (4, 4));
            assert!(group.responses.iter().enumerate().all(|(i, r)| !group.responses[..i].contains(r)));
            assert!(group.scores.iter().any(|score| *score != group.scores[0]));
        }
    }
}

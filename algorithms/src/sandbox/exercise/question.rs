//! One exercise as it is asked.

use super::{FAMILIES, Family, Slots, Target};
use crate::sandbox::Random;
use crate::sandbox::random::hash;

/// What stands before the question in the text that a model reads.
const BEFORE: &str = "Question: ";
/// What stands after it, and ends every question: tokens never straddle the colon.
const AFTER: &str = "\nAnswer:";

/// No question has more bytes.
const LONGEST: usize = 200;

/// A question of the sandbox, with the truth about it.
#[derive(Clone, Debug)]
pub struct Question {
    /// Of which family.
    pub family: &'static Family,
    /// What stands in its gaps.
    pub slots: Slots,
    /// What a right answer is.
    pub target: Target,
    /// The question: "What is 7 plus 5?".
    pub text: String,
}

/// Which of the two sets of questions a question belongs to. The question itself decides, by its hash: no
/// held-out question can ever be trained on, whatever the seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Split {
    /// Nine in ten: for training.
    Train,
    /// One in ten: for evaluation only.
    HeldOut,
}

impl Question {
    /// Draws a question of this split, its family by weight.
    pub fn draw(split: Split, random: &mut Random) -> Self {
        let weights = FAMILIES.map(|family| family.weight);
        let family = FAMILIES[random.weighted(&weights)];
        Question::of(family, split, random)
    }

    /// Draws a question of one family and this split.
    pub fn of(family: &'static Family, split: Split, random: &mut Random) -> Self {
        loop {
            let slots = (family.draw)(random);
            let text = slots.fill(random.pick(family.wordings));
            if Split::of(&text) == split {
                let target = (family.target)(&slots).expect("a family draws questions that it can answer");
                return Question { family, slots, target, text };
            }
        }
    }

    /// Draws questions of this split, no two the same, as long as there are enough.
    #[must_use]
    pub fn several(count: usize, split: Split, random: &mut Random) -> Vec<Self> {
        let mut seen = std::collections::HashSet::new();
        let mut questions = Vec::with_capacity(count);
        let mut misses = 0;
        while questions.len() < count {
            let question = Question::draw(split, random);
            // The world is finite: a caller who wants more than there is gets repetitions.
            if seen.insert(question.text.clone()) || misses > 20 * count {
                questions.push(question);
            } else {
                misses += 1;
            }
        }
        questions
    }

    /// The question that this text asks, if it is one of the sandbox's: the bare question, or the whole text
    /// that a model reads.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix(BEFORE).unwrap_or(text);
        let text = text.strip_suffix(AFTER).unwrap_or(text);
        if text.len() > LONGEST {
            return None;
        }
        FAMILIES.iter().find_map(|&family| {
            let mut readings = family.wordings.iter().flat_map(|wording| Slots::readings(wording, text));
            readings.find_map(|slots| {
                let target = (family.target)(&slots)?;
                Some(Question { family, slots, target, text: text.to_owned() })
            })
        })
    }

    /// The text that a model reads: "Question: What is 7 plus 5?\nAnswer:".
    #[must_use]
    pub fn prompt(&self) -> String {
        format!("{BEFORE}{}{AFTER}", self.text)
    }
}

impl Split {
    /// The split of this question.
    #[must_use]
    pub fn of(question: &str) -> Self {
        if hash(question).is_multiple_of(10) { Split::HeldOut } else { Split::Train }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_question_is_read_back_with_its_truth() {
        let mut random = Random::new(1);
        for _ in 0..20_000 {
            let question = Question::draw(Split::Train, &mut random);
            for text in [question.text.clone(), question.prompt()] {
                let read = Question::read(&text).unwrap_or_else(|| panic!("not read: {text}"));
                assert_eq!((read.family.name, read.target), (question.family.name, question.target.clone()), "{text}");
            }
        }
        for other in ["", "What is love?", "What is 7 plus x?", "Name zero animals.", "Question: \nAnswer:"] {
            assert!(Question::read(other).is_none(), "{other}");
        }
    }

    #[test]
    fn there_are_thousands_and_none_in_both_splits() {
        let mut random = Random::new(2);
        let mut draw =
            |split| -> HashSet<String> { (0..30_000).map(|_| Question::draw(split, &mut random).text).collect() };
        let (train, held_out) = (draw(Split::Train), draw(Split::HeldOut));
        assert!(train.len() > 10_000, "{}", train.len());
        assert!(held_out.len() > 1_000, "{}", held_out.len());
        assert!(train.is_disjoint(&held_out));
    }

    #[test]
    fn some_truths() {
        let right = |question: &str| Question::read(question).unwrap().target.right(&mut Random::new(1)).join(" ");
        for (question, answer) in [
            ("What is 7 plus 5?", "12"),
            ("Take 3 away from 10.", "7"),
            ("Multiply 4 by 6.", "24"),
            ("What number comes next: 3, 5, 7?", "9"),
            ("Sort these numbers from large to small: 4, 19, 7.", "19 7 4"),
            ("Sort these words from a to z: tea, cat, drum.", "cat drum tea"),
            ("Write this list of words backwards: tea, cat, drum.", "drum cat tea"),
            ("Which word is the last one: tea, cat, drum?", "drum"),
            ("How many animals are in this list: tea, cat, dog, oak?", "2"),
            ("Find the odd one out: tea, cat, dog, fox.", "tea"),
            ("What kind of thing is an axe?", "tool"),
            ("Tell me the contrary of dark.", "light"),
            ("What month comes before January?", "december"),
            ("Is milk a drink?", "yes"),
            ("Is 7 bigger than 9?", "no"),
            ("Ask me nicely to close the door.", "close door"),
            ("Thank Anna for the cake.", "anna cake"),
        ] {
            assert_eq!(right(question), answer, "{question}");
        }
    }
}

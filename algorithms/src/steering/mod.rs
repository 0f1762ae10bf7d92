//! SteerLM's labels: the ratings that a prompt carries, so that a model learns to write as it is told (arXiv:2310.05344).
//!
//! The labels are five letters on a line of their own, in HelpSteer's order, with `-` for what is not asked for: A to E are
//! helpfulness 0 to 4, F to J correctness, K to O coherence, P to T complexity, U to Y verbosity, so that `E J - - U` asks for
//! the most helpful and correct answer and the shortest. The line stands as near to the response as it can: before a last line
//! that announces it ("Answer:"), else before the prompt. NeMo-Aligner writes `helpfulness:4,correctness:4,verbosity:0`. Here
//! every label is a token or two, and never one that says something else elsewhere in the line: a small model need not find
//! out which number belongs to which name.

mod likelihood;

pub use likelihood::{Edges, log_likelihood};

use crate::sandbox::Attributes;
use anyhow::{Context, Result, bail};
use std::fmt;

/// Ratings in HelpSteer's order, whole numbers from 0 to 4; none where nothing is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Labels(pub [Option<u8>; 5]);

/// The highest rating.
pub const HIGHEST: u8 = 4;

impl Labels {
    /// What an attribute predictor says, clamped to 0..4 and rounded, as NeMo-Aligner does.
    #[must_use]
    pub fn predicted(ratings: [Option<f64>; 5]) -> Self {
        Labels(ratings.map(|rating| rating.map(|r| r.clamp(0.0, f64::from(HIGHEST)).round() as u8)))
    }

    /// From `name=number,…`, as one writes on the command line.
    ///
    /// # Errors
    /// If a name is no attribute of HelpSteer, is given twice, or its number is not a whole one from 0 to 4.
    pub fn read(text: &str) -> Result<Self> {
        let mut labels = Labels::default();
        for part in text.split(',').map(str::trim) {
            let names = Attributes::NAMES.join(", ");
            let (name, number) = part
                .split_once('=')
                .with_context(|| format!("`{part}`: write NAME=NUMBER,…, e.g. helpfulness=4,verbosity=0"))?;
            let place = Attributes::NAMES.iter().position(|known| *known == name.trim());
            let place = place.with_context(|| format!("`{name}` is no attribute; there are {names}"))?;
            let number = number.trim().parse::<u8>().ok().filter(|number| *number <= HIGHEST);
            let number =
                number.with_context(|| format!("`{part}`: an attribute is a whole number from 0 to {HIGHEST}"))?;
            if labels.0[place].replace(number).is_some() {
                bail!("`{name}` is given twice");
            }
        }
        Ok(labels)
    }

    /// A prompt that carries these labels.
    #[must_use]
    pub fn within(&self, prompt: &str) -> String {
        if *self == Labels::default() {
            return prompt.to_owned();
        }
        let (before, after) = announced(prompt);
        format!("{before}{self}\n{after}")
    }

    /// The labels of a prompt that carries some, and the prompt without them.
    #[must_use]
    pub fn taken_from(text: &str) -> (Self, String) {
        let (before, after) = announced(text);
        let (rest, line, after) = match before.strip_suffix('\n').map(|before| before.rsplit_once('\n')) {
            Some(Some((rest, line))) => (format!("{rest}\n"), line, after),
            Some(None) => (String::new(), before.trim_end(), after),
            None => match after.split_once('\n') {
                Some((line, after)) => (String::new(), line, after),
                None => return (Labels::default(), text.to_owned()),
            },
        };
        match Self::of_line(line) {
            Some(labels) => (labels, rest + after),
            None => (Labels::default(), text.to_owned()),
        }
    }

    /// Five labels, each a letter of its attribute or `-`.
    fn of_line(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut labels = Labels::default();
        for (place, label) in labels.0.iter_mut().enumerate() {
            let word = words.next()?;
            *label = if word == "-" { None } else { Some((0..=HIGHEST).find(|label| letter(place, *label) == word)?) };
        }
        words.next().is_none().then_some(labels)
    }
}

/// The line that a prompt carries.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, label) in self.0.into_iter().enumerate() {
            let said = label.map_or("-".to_owned(), |label| letter(place, label));
            write!(f, "{}{said}", if place == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// What stands for a label of an attribute.
fn letter(place: usize, label: u8) -> String {
    char::from(b'A' + (HIGHEST + 1) * place as u8 + label).to_string()
}

/// A prompt in two parts: what stands before the line that announces the response, such as "Answer:", and that line. The first
/// part is empty where there is no such line.
fn announced(prompt: &str) -> (&str, &str) {
    match prompt.rfind('\n') {
        Some(end) if prompt[end..].trim_end().ends_with(':') => prompt.split_at(end + 1),
        _ => ("", prompt),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_back_from_the_prompt_that_carries_them() {
        let all = Labels([Some(4), Some(0), Some(3), Some(2), Some(1)]);
        let some = Labels([None, Some(2), None, None, Some(0)]);
        for labels in [all, some, Labels::default()] {
            for prompt in ["Question: What is 7 plus 5?\nAnswer:", "Say it.", "One line.\nAnother.", "Note:", ""] {
                let carried = labels.within(prompt);
                assert_eq!(Labels::taken_from(&carried), (labels, prompt.to_owned()), "{carried:?}");
            }
        }
        assert_eq!(all.within("Question: What?\nAnswer:"), "Question: What?\nE F N R V\nAnswer:");
        assert_eq!(some.within("p"), "- H - - U\np");
        for other in ["E J O T\np", "J E O T Y\np", "E J O T Y A\np", "A note\np"] {
            assert_eq!(Labels::taken_from(other), (Labels::default(), other.to_owned()));
        }
        assert_eq!(Labels::read("verbosity=0, correctness=2").unwrap(), some);
    }

    #[test]
    fn predictions_are_clamped_and_rounded_and_what_is_missing_stays_missing() {
        let labels = Labels::predicted([Some(4.7), Some(-0.2), Some(2.5), Some(1.49), None]);
        assert_eq!(labels, Labels([Some(4), Some(0), Some(3), Some(1), None]));
    }

    #[test]
    fn a_wrong_label_is_named() {
        let problem = |text: &str| Labels::read(text).unwrap_err().to_string();
        assert!(problem("helpfulness").contains("write NAME=NUMBER"));
        assert!(problem("honesty=3").starts_with("`honesty` is no attribute; there are helpfulness, correctness"));
        assert!(problem("verbosity=5").contains("a whole number from 0 to 4"));
        assert!(problem("verbosity=1,verbosity=2").contains("given twice"));
    }
}

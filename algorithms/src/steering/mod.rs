//! SteerLM's labels: the ratings that a prompt carries, so that a model learns to write as it is told (arXiv:2310.05344).
//!
//! The labels stand on a line of their own before the prompt: `helpfulness:4,correctness:4,verbosity:0`. What is not asked
//! for is left out.

mod likelihood;

pub use likelihood::{Edges, log_likelihood};

use crate::sandbox::Attributes;
use anyhow::{Context, Result, bail};

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
        Self::parse(text, '=')
    }

    fn parse(text: &str, sign: char) -> Result<Self> {
        let mut labels = Labels::default();
        for part in text.split(',').map(str::trim) {
            let names = Attributes::NAMES.join(", ");
            let (name, number) = part.split_once(sign).with_context(|| {
                format!("`{part}`: write NAME{sign}NUMBER,…, e.g. helpfulness{sign}4,verbosity{sign}0")
            })?;
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
    pub fn before(&self, prompt: &str) -> String {
        let said = Attributes::NAMES.iter().zip(self.0).filter_map(|(name, label)| Some(format!("{name}:{}", label?)));
        let line = said.collect::<Vec<_>>().join(",");
        if line.is_empty() { prompt.to_owned() } else { format!("{line}\n{prompt}") }
    }

    /// The labels of a prompt that carries some, and the prompt without them.
    #[must_use]
    pub fn taken_from(text: &str) -> (Self, &str) {
        let split = text.split_once('\n').and_then(|(line, prompt)| Some((Self::parse(line, ':').ok()?, prompt)));
        split.unwrap_or((Labels::default(), text))
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
            let prompt = "Question: What is 7 plus 5?\nAnswer:";
            let carried = labels.before(prompt);
            assert_eq!(Labels::taken_from(&carried), (labels, prompt));
        }
        assert_eq!(some.before("p"), "correctness:2,verbosity:0\np");
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

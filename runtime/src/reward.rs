//! What a reward model says of responses.

use crate::compile::Form;
use crate::data::{Examples, Limits, Row, View};
use crate::model::{Engine, Sequences, ValuesAt, Weights};
use crate::tokenizer::Tokenizer;
use crate::train::{Answer, Dtype};
use crate::{Result, device};
use dfdx::prelude::Cpu;
use std::borrow::Borrow;

/// Tokens the model reads at a time, unless one sequence has more.
const AT_A_TIME: usize = 4096;
/// The label whose number is made a standard deviation, above 0.
const SPREAD: &str = "spread";

/// A model whose head gives numbers, ready to be asked. It has a tokenizer of its own, or borrows one.
pub struct RewardModel<T> {
    engine: Box<dyn Engine<Cpu>>,
    tokenizer: T,
    limits: Limits,
    labels: Vec<String>,
}

/// A prompt and responses to it, as tokens.
struct Asked {
    prompt: Vec<u32>,
    responses: Vec<Vec<u32>>,
}

impl<T: Borrow<Tokenizer>> RewardModel<T> {
    /// A reward model on these weights, asked on the CPU.
    ///
    /// # Errors
    /// If its head gives words.
    pub fn new(weights: Weights, tokenizer: T) -> Result<Self> {
        Self::on("cpu", Dtype::F32, weights, tokenizer)
    }

    /// The same, asked on the device of this name.
    ///
    /// # Errors
    /// As [`RewardModel::new`], and what is missing for the device.
    pub fn on(place: &str, dtype: Dtype, weights: Weights, tokenizer: T) -> Result<Self> {
        weights.check_values()?;
        let labels = weights.labels.clone();
        let limits = Limits { max_length: weights.config.longest(), vocabulary: weights.config.vocab_size };
        let engine = device::frozen(place, dtype, weights)?;
        Ok(RewardModel { engine, tokenizer, limits, labels })
    }

    /// Names of the numbers that it gives.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Its numbers for every response of every row: `[row][response][label]`. A response that is too long is judged by its
    /// beginning.
    ///
    /// # Errors
    /// If a prompt leaves no room for a response, or a row is none of the view's.
    pub fn values(&self, rows: &[Row], view: &View) -> Result<Vec<Vec<Vec<f64>>>> {
        let examples = Examples::encode(rows, &view.without_numbers(), self.tokenizer.borrow(), self.limits)?;
        if let Some(dropped) = examples.dropped.first() {
            return Err(dropped.origin.error(&dropped.reason));
        }
        let asked = examples.examples.into_iter().map(|e| Asked { prompt: e.prompt, responses: e.responses });
        self.ask(&asked.collect::<Vec<_>>())
    }

    /// Its numbers for responses that a policy gave: `[answer][label]`. It reads an end token only where the response ended
    /// by itself; a response that is too long is judged by its beginning.
    ///
    /// # Errors
    /// If the tokenizer refuses a text, or a prompt leaves no room for a response.
    pub fn values_of(&self, answers: &[Answer<'_>]) -> Result<Vec<Vec<f64>>> {
        let asked = |answer: &Answer<'_>| {
            let spans = answer.row.record.spans_with(self.tokenizer.borrow(), answer.text);
            let spans = spans.map_err(|e| answer.row.origin.place(e))?;
            let mut responses = spans.responses;
            let room = self.limits.max_length.saturating_sub(spans.prompt.len());
            if room == 0 {
                let long = format!("the prompt has {} tokens and leaves no room for a response", spans.prompt.len());
                return Err(answer
                    .row
                    .origin
                    .error(format!("{long}; the reward model reads {}", self.limits.max_length)));
            }
            for response in &mut responses {
                if !answer.ended && response.len() > 1 {
                    response.pop();
                }
                response.truncate(room);
            }
            Ok(Asked { prompt: spans.prompt, responses })
        };
        let asked = answers.iter().map(asked).collect::<Result<Vec<_>>>()?;
        Ok(self.ask(&asked)?.into_iter().flatten().collect())
    }

    fn ask(&self, asked: &[Asked]) -> Result<Vec<Vec<Vec<f64>>>> {
        // Sequences of like length are read together, those of one prompt side by side, so that it is read once.
        let mut order: Vec<usize> = (0..asked.len()).collect();
        order.sort_by_key(|place| asked[*place].length());
        let mut values = vec![Vec::new(); asked.len()];
        let mut rest = &order[..];
        while !rest.is_empty() {
            let mut tokens = 0;
            let fits = rest.iter().take_while(|place| {
                tokens += asked[**place].length();
                tokens <= AT_A_TIME
            });
            let (batch, after) = rest.split_at(fits.count().max(1));
            rest = after;
            let mut sequences = Sequences::default();
            for one in batch.iter().map(|place| &asked[*place]) {
                one.responses.iter().for_each(|tokens| sequences.push(&one.prompt, tokens));
            }
            let found = self.engine.score_values(&sequences, ValuesAt::End)?;
            let mut found = found.chunks(self.labels.len());
            for place in batch {
                let each = found.by_ref().take(asked[*place].responses.len());
                values[*place] = each.map(|numbers| self.read(numbers)).collect();
            }
        }
        Ok(values)
    }

    /// The head's numbers as programs read them.
    fn read(&self, numbers: &[f32]) -> Vec<f64> {
        let form = |label: &String| if label == SPREAD { Form::Softplus } else { Form::Itself };
        self.labels.iter().zip(numbers).map(|(label, x)| form(label).of(f64::from(*x))).collect()
    }
}

impl Asked {
    /// Tokens of the sequences, the prompt in each.
    fn length(&self) -> usize {
        self.responses.iter().map(|tokens| self.prompt.len() + tokens.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Origin, Record};
    use crate::train::small::{config, letters};
    use std::path::Path;

    #[test]
    fn every_response_is_judged_alike_in_any_company_and_in_its_place() {
        let mut weights = Weights::random(config(), 3).with_head(&["score", "spread"], 4);
        weights.data.iter_mut().filter(|w| **w != 1.0).for_each(|w| *w *= 20.0);
        let tokenizer = letters();
        let model = RewardModel::new(weights, &tokenizer).unwrap();
        let rows: Vec<Row> = [("abc", "dd"), ("a", "ponm"), ("bcdefghij", "a")]
            .into_iter()
            .enumerate()
            .map(|(i, (prompt, response))| Row {
                origin: Origin { path: Path::new("rows").into(), line: i + 1 },
                record: Record::pair(prompt, response, "e"),
            })
            .collect();
        let together = model.values(&rows, &View::pair()).unwrap();
        for (row, found) in rows.iter().zip(&together) {
            assert_eq!(found.len(), 2);
            assert!(found.iter().all(|numbers| numbers.len() == 2 && numbers[1] > 0.0));
            let alone = &model.values(std::slice::from_ref(row), &View::pair()).unwrap()[0];
            for (a, b) in alone.iter().flatten().zip(found.iter().flatten()) {
                assert!((a - b).abs() < 1e-5, "{a} {b}");
            }
        }
        assert_ne!(together[0], together[1]);
        let language = Weights::random(config(), 3);
        assert!(
            RewardModel::new(language, &tokenizer).err().unwrap().to_string().contains("no head that gives values")
        );
    }
}

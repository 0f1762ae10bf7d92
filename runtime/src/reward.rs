//! What a reward model says of responses.

use crate::compile::Form;
use crate::data::{Example, Examples, Limits, Row, View};
use crate::model::{Engine, Parameters, Sequences, ValuesAt, Weights};
use crate::tokenizer::Tokenizer;
use crate::train::EngineKind;
use crate::{Result, device};
use dfdx::prelude::Cpu;
use std::sync::Arc;

/// Tokens the model reads at a time, unless one sequence has more.
const AT_A_TIME: usize = 4096;
/// The label whose number is made a standard deviation, above 0.
const SPREAD: &str = "spread";

/// A model whose head gives numbers, ready to be asked.
pub struct RewardModel<'a> {
    engine: Box<dyn Engine<Cpu>>,
    tokenizer: &'a Tokenizer,
    limits: Limits,
    labels: Vec<String>,
}

impl<'a> RewardModel<'a> {
    /// A reward model on these weights.
    ///
    /// # Errors
    /// If its head gives words.
    pub fn new(weights: Weights, tokenizer: &'a Tokenizer) -> Result<Self> {
        weights.check_values()?;
        let labels = weights.labels.clone();
        let limits =
            Limits { max_length: weights.config.max_position_embeddings, vocabulary: weights.config.vocab_size };
        let engine = device::cpu(EngineKind::Fused, Arc::new(Parameters::frozen(weights)))?;
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
        let examples = Examples::encode(rows, &view.without_numbers(), self.tokenizer, self.limits)?;
        if let Some(dropped) = examples.dropped.first() {
            return Err(dropped.origin.error(&dropped.reason));
        }
        let examples = &examples.examples;
        // Sequences of like length are read together, those of one prompt side by side, so that it is read once.
        let mut order: Vec<usize> = (0..examples.len()).collect();
        order.sort_by_key(|row| length(&examples[*row]));
        let mut values = vec![Vec::new(); examples.len()];
        let mut rest = &order[..];
        while !rest.is_empty() {
            let mut tokens = 0;
            let fits = rest.iter().take_while(|row| {
                tokens += length(&examples[**row]);
                tokens <= AT_A_TIME
            });
            let (batch, after) = rest.split_at(fits.count().max(1));
            rest = after;
            let mut sequences = Sequences::default();
            for row in batch {
                examples[*row].responses.iter().for_each(|tokens| sequences.push(&examples[*row].prompt, tokens));
            }
            let found = self.engine.score_values(&sequences, ValuesAt::End)?;
            let mut found = found.chunks(self.labels.len());
            for row in batch {
                let each = found.by_ref().take(examples[*row].responses.len());
                values[*row] = each.map(|numbers| self.read(numbers)).collect();
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

/// Tokens of a row's sequences, the prompt in each.
fn length(example: &Example) -> usize {
    example.responses.iter().map(|tokens| example.prompt.len() + tokens.len()).sum()
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

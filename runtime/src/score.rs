//! Log-probabilities of given responses.

use crate::data::{Example, View};
use crate::model::{Engine, Sequences};
use crate::{Error, Result};
use dfdx::prelude::Device;
use serde_json::{Map, Value, json};

/// The log-probability of one response.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scored {
    /// Sum over its tokens, the end token among them.
    pub logp: f64,
    /// How many there are.
    pub tokens: usize,
}

/// Tokens the model reads at a time, unless one sequence has more.
const AT_A_TIME: usize = 4096;

/// The log-probability of every response of every row, in the order of the rows. Sequences of like length are
/// read together.
///
/// # Errors
/// If a sequence is longer than `longest`; the message names its row.
pub fn score<D: Device<f32>>(engine: &dyn Engine<D>, examples: &[Example], longest: usize) -> Result<Vec<Vec<Scored>>> {
    let mut places = Vec::new();
    for (row, example) in examples.iter().enumerate() {
        for (response, tokens) in example.responses.iter().enumerate() {
            let length = example.prompt.len() + tokens.len();
            if length > longest {
                let problem = format!(
                    "prompt and response have {length} tokens, the model reads at most {longest}; shorten them"
                );
                return Err(Error::Row { path: example.origin.path.to_path_buf(), line: example.origin.line, problem });
            }
            places.push((length, row, response));
        }
    }
    places.sort_unstable();
    let mut scored: Vec<Vec<Option<Scored>>> = examples.iter().map(|e| vec![None; e.responses.len()]).collect();
    let mut rest = &places[..];
    while !rest.is_empty() {
        let mut tokens = 0;
        let fits = rest.iter().take_while(|(length, ..)| {
            tokens += length;
            tokens <= AT_A_TIME
        });
        let (batch, after) = rest.split_at(fits.count().max(1));
        rest = after;
        let mut sequences = Sequences::default();
        for (_, row, response) in batch {
            sequences.push(&examples[*row].prompt, &examples[*row].responses[*response]);
        }
        let mut values = &engine.score(&sequences)?[..];
        for (_, row, response) in batch {
            let (here, others) = values.split_at(examples[*row].responses[*response].len());
            let logp: f64 = here.iter().map(|x| f64::from(*x)).sum();
            if !logp.is_finite() {
                let origin = &examples[*row].origin;
                return Err(Error::Numeric(format!("{origin}: the model gives a response the log-probability {logp}")));
            }
            scored[*row][*response] = Some(Scored { logp, tokens: here.len() });
            values = others;
        }
    }
    Ok(scored.into_iter().map(|row| row.into_iter().flatten().collect()).collect())
}

/// A row's line as the `score` command writes it: `{"index": 0, "chosen": {"logp": -1.5, "tokens": 3}, …}`, of a
/// group `{"index": 0, "responses": [{"logp": …}, …]}`.
#[must_use]
pub fn line(index: usize, view: &View, scored: &[Scored]) -> Value {
    let mut object = Map::new();
    object.insert("index".to_owned(), index.into());
    let one = |scored: &Scored| json!({"logp": scored.logp, "tokens": scored.tokens});
    match view.names() {
        Some(names) => object.extend(names.iter().map(|name| (*name).to_owned()).zip(scored.iter().map(one))),
        None => drop(object.insert("responses".to_owned(), scored.iter().map(one).collect())),
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Origin;
    use std::path::Path;

    /// Gives every scored token minus its own number, and remembers what it was asked.
    struct Negative(std::cell::RefCell<Vec<usize>>);
    impl Engine<dfdx::prelude::Cpu> for Negative {
        fn score(&self, batch: &Sequences) -> Result<Vec<f32>> {
            self.0.borrow_mut().push(batch.tokens.len());
            let scored = batch.spans.iter().flat_map(|span| span.scored.clone());
            Ok(scored.map(|i| -(batch.tokens[i] as f32)).collect())
        }
        fn forward(&self, _: &Sequences) -> Result<crate::model::Live<dfdx::prelude::Cpu>> {
            Err(Error::Numeric("nothing is trained here".to_owned()))
        }
        fn score_words(&self, _: &Sequences) -> Result<Vec<f32>> {
            Err(Error::Numeric("no words are asked for here".to_owned()))
        }
        fn forward_words(&self, batch: &Sequences) -> Result<crate::model::Live<dfdx::prelude::Cpu>> {
            self.forward(batch)
        }
        fn score_values(&self, _: &Sequences, _: crate::model::ValuesAt) -> Result<Vec<f32>> {
            Err(Error::Numeric("no values are asked for here".to_owned()))
        }
        fn forward_values(
            &self,
            batch: &Sequences,
            _: crate::model::ValuesAt,
        ) -> Result<crate::model::Live<dfdx::prelude::Cpu>> {
            self.forward(batch)
        }
        fn collect(&self, _: &dfdx::prelude::Gradients<f32, dfdx::prelude::Cpu>) -> Result<()> {
            Ok(())
        }
    }

    fn example(line: usize, prompt: usize, responses: &[&[u32]]) -> Example {
        Example {
            origin: Origin { path: Path::new("rows.jsonl").into(), line },
            prompt: vec![1; prompt],
            responses: responses.iter().map(|r| r.to_vec()).collect(),
            numbers: Vec::new(),
            room: 5000,
            row: line - 1,
        }
    }

    #[test]
    fn scores_come_in_the_order_of_the_rows() {
        let long = vec![2; 3000];
        let examples = [example(1, 1, &[&long, &[3, 4]]), example(2, 4, &[&[5], &long])];
        let engine = Negative(Vec::new().into());
        let scored = score(&engine, &examples, 5000).unwrap();
        let sums: Vec<_> = scored.iter().flatten().map(|s| (s.logp, s.tokens)).collect();
        assert_eq!(sums, [(-6000.0, 3000), (-7.0, 2), (-5.0, 1), (-6000.0, 3000)]);
        assert_eq!(*engine.0.borrow(), [3 + 5 + 3001, 3004], "the short ones go with one of the long ones");
        let line = line(1, &View::pair(), &scored[1]).to_string();
        assert_eq!(line, r#"{"index":1,"chosen":{"logp":-5.0,"tokens":1},"rejected":{"logp":-6000.0,"tokens":3000}}"#);
        let line = super::line(0, &View::group(), &scored[1]).to_string();
        assert!(line.starts_with(r#"{"index":0,"responses":[{"logp":-5.0,"tokens":1},"#), "{line}");
        let error = score(&engine, &examples, 3001).unwrap_err().to_string();
        assert_eq!(
            error,
            "rows.jsonl:2: prompt and response have 3004 tokens, the model reads at most 3001; shorten them"
        );
    }
}

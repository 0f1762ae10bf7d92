//! What is measured while training, and the file it is written to.

use crate::checkpoint::disk;
use crate::{Error, Result};
use serde_json::{Map, Value};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Every name that `metrics.jsonl` can have, with a sentence. An algorithm may add names of its own.
pub const NAMES: &[(&str, &str)] = &[
    ("step", "the optimizer step, from 1"),
    ("loss", "the loss on the step's batch, before the step"),
    ("lr", "the learning rate of the step"),
    ("grad_norm", "the gradient's length before it was shortened"),
    ("tokens", "tokens the model read in the step, prompts and responses"),
    ("seconds", "how long the step took"),
    ("rewards/chosen", "what the policy implicitly gives the chosen responses, on average"),
    ("rewards/rejected", "what the policy implicitly gives the rejected responses, on average"),
    ("rewards/margins", "by how much it gives the chosen response more, on average"),
    ("rewards/accuracies", "how often it gives the chosen response more"),
    ("logps/chosen", "log-probability of the chosen responses, on average"),
    ("logps/rejected", "log-probability of the rejected responses, on average"),
    ("logps/answer", "log-probability of the responses, on average"),
    ("logps/sample", "log-probability of the responses of a group, on average"),
    ("reward", "what the reward gives the responses drawn, on average"),
    ("reward_std", "standard deviation of the rewards of a prompt's responses, on average"),
    ("frac_reward_zero_std", "share of prompts whose responses are all worth the same: nothing is learned of them"),
    ("completions/mean_length", "tokens of a response, on average"),
    ("completions/clipped_ratio", "share of responses cut before their end"),
    ("sampling/sampling_logp_difference/mean", "how far the sampler's log-probability of a token is from the engine's"),
    ("sampling/sampling_logp_difference/max", "the largest such difference"),
    ("kl", "by how much the responses drawn are likelier now than at the start, in nats, on average"),
];

/// The sentence of a metric.
#[must_use]
pub fn about(name: &str) -> Option<&'static str> {
    let state = name.starts_with("state/").then_some("what the loss carries from step to step, as the step used it");
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, sentence)| *sentence).or(state)
}

/// What one optimizer step gave.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Measurement {
    /// From 1.
    pub step: u64,
    /// On the step's batch, before the step.
    pub loss: f64,
    /// The learning rate.
    pub lr: f64,
    /// The gradient's length before it was shortened.
    pub grad_norm: f64,
    /// Tokens the model read, prompts and responses.
    pub tokens: usize,
    /// How long it took.
    pub seconds: f64,
    /// The program's own metrics, in its order.
    pub metrics: Vec<(String, f64)>,
}

impl Measurement {
    /// As a line of `metrics.jsonl`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("step".to_owned(), self.step.into());
        object.insert("loss".to_owned(), self.loss.into());
        object.insert("lr".to_owned(), self.lr.into());
        object.insert("grad_norm".to_owned(), self.grad_norm.into());
        object.insert("tokens".to_owned(), self.tokens.into());
        object.insert("seconds".to_owned(), ((self.seconds * 1e6).round() / 1e6).into());
        object.extend(self.metrics.iter().map(|(name, value)| (name.clone(), (*value).into())));
        Value::Object(object)
    }
}

/// `metrics.jsonl`: one object a step, written as the step ends.
#[derive(Debug)]
pub struct MetricFile {
    path: PathBuf,
    file: File,
}

impl MetricFile {
    /// Opens the file to go on after `step`; lines of later steps, from a run that was cut off, are removed.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn after(path: &Path, step: u64) -> Result<Self> {
        if path.exists() {
            let earlier = |line: &Line| line.object.get("step").and_then(Value::as_u64).is_some_and(|at| at <= step);
            let kept = read(path)?.into_iter().filter(earlier).map(|line| line.text + "\n").collect::<String>();
            disk::write_whole(path, kept.as_bytes())?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(|e| disk::unwritable(path, &e))?;
        Ok(MetricFile { path: path.to_owned(), file })
    }

    /// Adds a line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&mut self, measurement: &Measurement) -> Result<()> {
        let line = measurement.to_json().to_string() + "\n";
        self.file.write_all(line.as_bytes()).map_err(|e| disk::unwritable(&self.path, &e))
    }
}

/// The lines of a metrics file. A last line that was cut off is left out.
///
/// # Errors
/// If the file cannot be read, or a line other than the last is no JSON object.
pub fn lines(path: &Path) -> Result<Vec<Map<String, Value>>> {
    Ok(read(path)?.into_iter().map(|line| line.object).collect())
}

/// A line as it is written, since a number that is read and written again may change its last digit.
struct Line {
    text: String,
    object: Map<String, Value>,
}

fn read(path: &Path) -> Result<Vec<Line>> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, format!("cannot be read: {e}")))?;
    let count = text.lines().count();
    let mut read = Vec::with_capacity(count);
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str(line) {
            Ok(object) => read.push(Line { text: line.to_owned(), object }),
            Err(_) if i + 1 == count && !text.ends_with('\n') => {}
            Err(e) => {
                let problem = format!("not a line of metrics: {e}");
                return Err(Error::Row { path: path.to_owned(), line: i + 1, problem });
            }
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_on_after_a_step_and_forgets_what_came_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut file = MetricFile::after(&path, 0).unwrap();
        for step in 1..=3 {
            let metrics = vec![("rewards/chosen".to_owned(), 0.25)];
            file.write(&Measurement { step, loss: 0.5, metrics, ..Measurement::default() }).unwrap();
        }
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"step\": 4, \"lo").unwrap();
        assert_eq!(lines(&path).unwrap().len(), 3);
        drop(MetricFile::after(&path, 2).unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 2);
        let line = r#"{"step":1,"loss":0.5,"lr":0.0,"grad_norm":0.0,"tokens":0,"seconds":0.0,"rewards/chosen":0.25}"#;
        assert_eq!(text.lines().next(), Some(line));
    }
}

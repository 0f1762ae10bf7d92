//! What a row of data says, before any token.

use crate::Error;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a row was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The file, or another name for where it comes from.
    pub path: Arc<Path>,
    /// From 1.
    pub line: usize,
}

impl Origin {
    pub(crate) fn error(&self, problem: impl fmt::Display) -> Error {
        Error::Row { path: PathBuf::from(&*self.path), line: self.line, problem: problem.to_string() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path.display(), self.line)
    }
}

/// One row of data.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Where it was read.
    pub origin: Origin,
    /// What it says.
    pub record: Record,
}

/// What a row says: a prompt, one or more responses, and numbers about them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Record {
    /// What is asked.
    pub prompt: String,
    /// The responses, in the order of the view: of a pair the better one first.
    pub responses: Vec<String>,
    /// By the name a program gives it: one value, or in a group one for each response.
    pub numbers: BTreeMap<String, Vec<f64>>,
    /// Why nothing can be learned from it, if so: it is left out and counted.
    pub unusable: Option<&'static str>,
    /// Where responses are drawn: everything else that the row says, for whoever judges them.
    pub fields: Map<String, Value>,
}

impl Record {
    /// A prompt with one response, good or not.
    pub fn answer(prompt: impl Into<String>, response: impl Into<String>) -> Self {
        Record { prompt: prompt.into(), responses: vec![response.into()], ..Record::default() }
    }

    /// A prompt with two responses, the better one first.
    pub fn pair(prompt: impl Into<String>, chosen: impl Into<String>, rejected: impl Into<String>) -> Self {
        Record { prompt: prompt.into(), responses: vec![chosen.into(), rejected.into()], ..Record::default() }
    }

    /// A prompt with several responses in no order.
    pub fn group(prompt: impl Into<String>, responses: Vec<String>) -> Self {
        Record { prompt: prompt.into(), responses, ..Record::default() }
    }

    /// The same with one more number: one value, or in a group one for each response.
    #[must_use]
    pub fn with(mut self, field: &str, values: impl Into<Vec<f64>>) -> Self {
        self.numbers.insert(field.to_owned(), values.into());
        self
    }
}

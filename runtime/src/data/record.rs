//! What a row of data says, before any token.

use crate::chat::{Conversation, Message, said};
use crate::tokenizer::{Spans, Tokenizer};
use crate::{Error, Result};
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

    /// A problem with what the row says, with its place.
    #[must_use]
    pub fn place(&self, problem: Error) -> Error {
        match problem {
            Error::Setting(problem) => self.error(problem),
            other => other,
        }
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
    /// The same as messages, where the row has it so. What the model reads are these; `prompt` is what was asked last.
    pub conversation: Option<Conversation>,
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

/// A record as a model reads it.
impl Record {
    /// The prompt as tokens; never empty.
    ///
    /// # Errors
    /// If the tokenizer refuses it, or a conversation has no template.
    pub fn prompt_tokens(&self, tokenizer: &Tokenizer) -> Result<Vec<u32>> {
        match self.spoken(tokenizer) {
            Some(conversation) => Ok(tokenizer.ask(conversation)?.tokens().to_vec()),
            None => Ok(tokenizer.spans(&self.prompt, &[])?.prompt),
        }
    }

    /// The prompt as the text that the model reads.
    ///
    /// # Errors
    /// As [`Record::prompt_tokens`].
    pub fn prompt_text(&self, tokenizer: &Tokenizer) -> Result<String> {
        match self.spoken(tokenizer) {
            Some(conversation) => Ok(tokenizer.ask(conversation)?.text().to_owned()),
            None => Ok(self.prompt.clone()),
        }
    }

    /// The prompt as a file has it: a text, or messages with what else the template reads.
    #[must_use]
    pub fn prompt_fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let Some(Conversation { messages, tools, variables, .. }) = &self.conversation else {
            fields.insert("prompt".to_owned(), self.prompt.as_str().into());
            return fields;
        };
        fields.insert("prompt".to_owned(), messages.iter().cloned().map(Value::Object).collect());
        fields.extend(tools.iter().map(|tools| ("tools".to_owned(), tools.clone())));
        if !variables.is_empty() {
            fields.insert("chat_template_kwargs".to_owned(), Value::Object(variables.clone()));
        }
        fields
    }

    /// Prompt and responses as tokens. `names` are what the responses are called in files, if not a list.
    pub(crate) fn spans(&self, tokenizer: &Tokenizer, names: Option<&[&str]>) -> Result<Spans> {
        let Some(conversation) = self.spoken(tokenizer) else {
            return tokenizer.spans(&self.prompt, &self.responses.iter().map(String::as_str).collect::<Vec<_>>());
        };
        let asked = tokenizer.ask(conversation)?;
        let one = |(i, answer): (usize, &Message)| {
            let name = names.and_then(|names| names.get(i)).map_or(format!("responses[{i}]"), ToString::to_string);
            asked.response(answer).map_err(|e| match e {
                Error::Setting(problem) => Error::Setting(format!("`{name}`: {problem}")),
                other => other,
            })
        };
        let responses = conversation.responses.iter().enumerate().map(one).collect::<Result<_>>()?;
        Ok(Spans { prompt: asked.tokens().to_vec(), responses })
    }

    /// The prompt and a response that was drawn to it as tokens.
    pub(crate) fn spans_with(&self, tokenizer: &Tokenizer, response: &str) -> Result<Spans> {
        let Some(conversation) = self.spoken(tokenizer) else { return tokenizer.spans(&self.prompt, &[response]) };
        let asked = tokenizer.ask(conversation)?;
        Ok(Spans { prompt: asked.tokens().to_vec(), responses: vec![asked.response(&said(response))?] })
    }

    /// The conversation, if it is to be read as one.
    fn spoken(&self, tokenizer: &Tokenizer) -> Option<&Conversation> {
        self.conversation.as_ref().filter(|conversation| !conversation.plain || tokenizer.has_template())
    }
}

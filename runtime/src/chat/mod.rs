//! Conversations, and the template with which a model's makers write them as text.
//!
//! A template is a program in Jinja that comes with the model. It is run as transformers runs it, so that a model
//! reads here what it has read elsewhere.

mod clock;
mod environment;
mod python;
mod template;

pub use template::{Source, Template};

use serde_json::{Map, Value};

/// One message: its `role`, its `content`, and whatever else the template reads, e.g. `tool_calls`.
pub type Message = Map<String, Value>;

/// Who gives the responses.
pub const ASSISTANT: &str = "assistant";

/// What is asked, as messages, and the responses to it.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Conversation {
    /// What comes before a response; never empty.
    pub messages: Vec<Message>,
    /// The responses, each the assistant's next message.
    pub responses: Vec<Message>,
    /// Tools that the assistant may call, as JSON schemas; a list.
    pub tools: Option<Value>,
    /// Other variables of the template, e.g. `enable_thinking`.
    pub variables: Map<String, Value>,
    /// Where the model has no template, may the one message be read as it is?
    pub plain: bool,
}

/// A message of the assistant with this content.
#[must_use]
pub fn said(content: &str) -> Message {
    message(ASSISTANT, content)
}

/// A message.
#[must_use]
pub fn message(role: &str, content: &str) -> Message {
    [("role", role), ("content", content)].map(|(key, text)| (key.to_owned(), Value::from(text))).into_iter().collect()
}

#[cfg(test)]
mod tests;

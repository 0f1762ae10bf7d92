//! One field of a row, under any of the names that data sets in the wild use for it.

use super::record::Origin;
use crate::Result;
use serde_json::{Map, Value};

/// A field and its other names.
pub(super) struct Column {
    pub(super) name: &'static str,
    others: &'static [&'static str],
}

pub(super) const PROMPT: Column = Column { name: "prompt", others: &[] };
pub(super) const COMPLETION: Column = Column { name: "completion", others: &[] };
pub(super) const CHOSEN: Column = Column { name: "chosen", others: &["chosen_response"] };
pub(super) const REJECTED: Column = Column { name: "rejected", others: &["rejected_response"] };
pub(super) const CHOSEN_SCORE: Column = Column { name: "chosen_score", others: &["chosen_reward", "score_chosen"] };
pub(super) const REJECTED_SCORE: Column =
    Column { name: "rejected_score", others: &["rejected_reward", "score_rejected"] };
pub(super) const MARGIN: Column = Column { name: "margin", others: &[] };

/// A row as JSON gives it, and what to write where a field is missing.
pub(super) struct Fields<'a> {
    pub(super) object: &'a Map<String, Value>,
    pub(super) origin: &'a Origin,
    pub(super) example: &'a str,
}

impl Fields<'_> {
    pub(super) fn text(&self, column: &Column) -> Result<String> {
        match self.find(column)? {
            (_, Value::String(text)) => Ok(text.clone()),
            (name, Value::Array(list)) if list.iter().all(Value::is_object) => Err(self.origin.error(format!(
                "the field `{name}` is a list of messages, and conversations cannot be read yet; write each as one \
                 text, rendered with the model's chat template"
            ))),
            (name, other) => Err(self.origin.error(format!(
                "the field `{name}` is {}; it has to be a text: {}",
                what(other),
                self.example
            ))),
        }
    }

    pub(super) fn number(&self, column: &Column) -> Result<f64> {
        match self.find(column)? {
            // A number outside f64 does not get through the JSON reader, so this one is finite.
            (_, Value::Number(number)) if number.as_f64().is_some() => Ok(number.as_f64().unwrap_or_default()),
            (name, Value::String(text)) if text.trim().parse::<f64>().is_ok() => Err(self
                .origin
                .error(format!("the field `{name}` is the text {text:?}; it has to be a number: remove the quotes"))),
            (name, other) => {
                Err(self.origin.error(format!("the field `{name}` is {}; it has to be a number", what(other))))
            }
        }
    }

    fn find(&self, column: &Column) -> Result<(&'static str, &Value)> {
        let names = std::iter::once(column.name).chain(column.others.iter().copied());
        let mut found = names.filter_map(|name| Some((name, self.object.get(name)?)));
        match (found.next(), found.next()) {
            (Some((first, _)), Some((second, _))) => Err(self
                .origin
                .error(format!("`{first}` and `{second}` are two names of the same field; leave one of them out"))),
            (Some((name, Value::Null)), None) => {
                Err(self.origin.error(format!("the field `{name}` is null; write {}", self.example)))
            }
            (Some(found), None) => Ok(found),
            (None, _) => {
                let present: Vec<_> = self.object.keys().map(|key| format!("`{key}`")).collect();
                let present = if present.is_empty() { "no field at all".to_owned() } else { present.join(", ") };
                Err(self.origin.error(format!(
                    "the field `{}` is missing; this row has {present}; write {}",
                    column.name, self.example
                )))
            }
        }
    }
}

/// A value in words.
pub(super) fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

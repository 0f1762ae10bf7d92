//! One field of a row, under any of the names that data sets in the wild use for it.

use super::record::Origin;
use crate::Result;
use serde_json::{Map, Value};
use std::fmt::Display;

/// A field and its other names.
pub(super) struct Column {
    /// As we write it.
    pub(super) name: &'static str,
    /// What a program calls it.
    pub(super) field: &'static str,
    others: &'static [&'static str],
    /// An example of a value.
    pub(super) example: &'static str,
}

const fn text(name: &'static str, others: &'static [&'static str]) -> Column {
    Column { name, field: name, others, example: "\"…\"" }
}

const fn number(name: &'static str, others: &'static [&'static str]) -> Column {
    Column { name, field: name, others, example: "1.5" }
}

/// One value for each response.
const fn list(name: &'static str, field: &'static str, example: &'static str) -> Column {
    Column { name, field, others: &[], example }
}

pub(super) const PROMPT: Column = text("prompt", &[]);
pub(super) const COMPLETION: Column = text("completion", &["response"]);
pub(super) const CHOSEN: Column = text("chosen", &["chosen_response"]);
pub(super) const REJECTED: Column = text("rejected", &["rejected_response"]);
pub(super) const RESPONSES: Column = list("responses", "response", "[\"…\", \"…\"]");

pub(super) const CHOSEN_SCORE: Column = number("chosen_score", &["chosen_reward", "score_chosen"]);
pub(super) const REJECTED_SCORE: Column = number("rejected_score", &["rejected_reward", "score_rejected"]);
pub(super) const MARGIN: Column = number("margin", &[]);
pub(super) const WEIGHT: Column = number("weight", &[]);
pub(super) const LABEL: Column = Column { name: "label", field: "label", others: &[], example: "true" };
pub(super) const SCORES: Column = list("scores", "score", "[1.5, 0.5]");
pub(super) const WEIGHTS: Column = list("weights", "weight", "[0.75, 0.25]");
pub(super) const BASELINES: Column = list("baselines", "baseline", "[0.5, 0.5]");
pub(super) const VALUES: Column = list("values", "value", "[[0.5, 0.25], [0.5]]");
pub(super) const ENDED: Column = list("ended", "ended", "[true, false]");

/// Ratings in HelpSteer's order; each may be missing.
pub(super) const ATTRIBUTES: [Column; 5] = [
    number("helpfulness", &[]),
    number("correctness", &[]),
    number("coherence", &[]),
    number("complexity", &[]),
    number("verbosity", &[]),
];

/// Shares of annotators, from those who find the rejected response much better to those who find the chosen one so.
pub(super) const SHARES: [Column; 5] = [
    share("rejected_much_better"),
    share("rejected_better"),
    share("tie"),
    share("chosen_better"),
    share("chosen_much_better"),
];

const fn share(name: &'static str) -> Column {
    Column { name, field: name, others: &[], example: "0.2" }
}

impl Column {
    /// Its own name and its other ones.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.name).chain(self.others.iter().copied())
    }
}

/// A row as JSON gives it, and what to write where a field is missing.
pub(super) struct Fields<'a> {
    pub(super) object: &'a Map<String, Value>,
    pub(super) origin: &'a Origin,
    pub(super) example: &'a str,
}

impl Fields<'_> {
    pub(super) fn text(&self, column: &Column) -> Result<String> {
        let (name, value) = self.find(column)?;
        self.as_text(&format!("the field `{name}`"), value)
    }

    pub(super) fn number(&self, column: &Column) -> Result<f64> {
        let (name, value) = self.find(column)?;
        self.as_number(&format!("the field `{name}`"), value)
    }

    /// A list of numbers, one for each of so many responses.
    pub(super) fn numbers(&self, column: &Column, responses: usize) -> Result<Vec<f64>> {
        let (name, value) = self.find(column)?;
        let list = self.as_list(name, value, column)?;
        if list.len() != responses {
            let problem = format!("`{name}` has {} values for {responses} responses; write one for each", list.len());
            return Err(self.origin.error(problem));
        }
        let one = |(i, value): (usize, &Value)| self.as_number(&format!("`{name}[{i}]`"), value);
        list.iter().enumerate().map(one).collect()
    }

    /// A rating: a number, or the mean of a list of several people's; none where it is absent or `null`.
    pub(super) fn rating(&self, column: &Column) -> Result<Option<f64>> {
        if self.object.get(column.name).is_none_or(Value::is_null) {
            return Ok(None);
        }
        let (name, value) = self.find(column)?;
        let Value::Array(several) = value else {
            return self.as_number(&format!("the field `{name}`"), value).map(Some);
        };
        let one = |(i, value): (usize, &Value)| self.as_number(&format!("`{name}[{i}]`"), value);
        let ratings = several.iter().enumerate().map(one).collect::<Result<Vec<_>>>()?;
        let mean = ratings.iter().sum::<f64>() / ratings.len() as f64;
        if ratings.is_empty() {
            return Err(self
                .origin
                .error(format!("the field `{name}` is an empty list; leave it out, or write a rating")));
        }
        Ok(Some(mean))
    }

    /// Is there a field of this name, whatever is in it?
    pub(super) fn has(&self, name: &str) -> bool {
        self.object.contains_key(name)
    }

    pub(super) fn as_list<'v>(&self, name: &str, value: &'v Value, column: &Column) -> Result<&'v [Value]> {
        match value {
            Value::Array(list) if !list.is_empty() => Ok(list),
            Value::Array(_) => {
                Err(self.origin.error(format!("the field `{name}` is an empty list; write {}", self.example)))
            }
            other => {
                let problem = format!("the field `{name}` is {}; it has to be a list: {}", what(other), column.example);
                Err(self.origin.error(problem))
            }
        }
    }

    pub(super) fn as_text(&self, name: &dyn Display, value: &Value) -> Result<String> {
        match value {
            Value::String(text) => Ok(text.clone()),
            other => {
                Err(self.origin.error(format!("{name} is {}; it has to be a text: {}", what(other), self.example)))
            }
        }
    }

    /// A number; `true` is 1 and `false` is 0.
    pub(super) fn as_number(&self, name: &dyn Display, value: &Value) -> Result<f64> {
        match value {
            Value::Bool(yes) => Ok(f64::from(u8::from(*yes))),
            // A number outside f64 does not get through the JSON reader, so this one is finite.
            Value::Number(number) if number.as_f64().is_some() => Ok(number.as_f64().unwrap_or_default()),
            Value::String(text) if text.trim().parse::<f64>().is_ok() => {
                Err(self.origin.error(format!("{name} is the text {text:?}; it has to be a number: remove the quotes")))
            }
            other => Err(self.origin.error(format!("{name} is {}; it has to be a number", what(other)))),
        }
    }

    pub(super) fn find(&self, column: &Column) -> Result<(&'static str, &Value)> {
        let mut found = column.names().filter_map(|name| Some((name, self.object.get(name)?)));
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

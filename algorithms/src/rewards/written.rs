//! What a reward is told, and what it may answer.

use collimate_runtime::train::Answer;
use serde_json::Value;

/// A response as text, and the row its prompt is from.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    answer: Answer<'a>,
}

impl<'a> Written<'a> {
    /// What was drawn for a row.
    #[must_use]
    pub fn new(answer: Answer<'a>) -> Self {
        Written { answer }
    }

    /// What was asked.
    #[must_use]
    pub fn prompt(&self) -> &'a str {
        &self.answer.row.record.prompt
    }

    /// The response without its end token.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.answer.text
    }

    /// Did it end by itself? If not, it was cut.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.answer.ended
    }

    /// A field of the row, beside its prompt.
    ///
    /// # Errors
    /// If the row has no such field; the message names those it has.
    pub fn field(&self, name: &str) -> Result<&'a Value, String> {
        let fields = &self.answer.row.record.fields;
        fields.get(name).filter(|value| !value.is_null()).ok_or_else(|| {
            let present: Vec<_> = fields.keys().map(|key| format!("`{key}`")).collect();
            let present = if present.is_empty() { "nothing".to_owned() } else { present.join(", ") };
            format!("the row has no field `{name}`; beside its prompt it has {present}")
        })
    }

    /// The same as text; a number as it is written.
    ///
    /// # Errors
    /// If the row has no such field, or it is neither a text nor a number.
    pub fn field_text(&self, name: &str) -> Result<String, String> {
        match self.field(name)? {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(format!("the row's `{name}` is neither a text nor a number")),
        }
    }
}

/// What a reward may answer.
pub trait Worth {
    /// As a number, or why there is none.
    ///
    /// # Errors
    /// Where the reward itself says that it cannot judge.
    fn worth(self) -> Result<f64, String>;
}
impl Worth for f64 {
    fn worth(self) -> Result<f64, String> {
        Ok(self)
    }
}
/// 1 for yes, 0 for no.
impl Worth for bool {
    fn worth(self) -> Result<f64, String> {
        Ok(f64::from(u8::from(self)))
    }
}
impl<T: Worth> Worth for Result<T, String> {
    fn worth(self) -> Result<f64, String> {
        self.and_then(Worth::worth)
    }
}

//! Just enough of JSON to be read by a machine.

use std::fmt::{self, Write as _};

/// A value of JSON.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Json::Text(text.to_owned())
    }
}
impl From<String> for Json {
    fn from(text: String) -> Self {
        Json::Text(text)
    }
}
impl From<bool> for Json {
    fn from(truth: bool) -> Self {
        Json::Bool(truth)
    }
}
impl From<f64> for Json {
    fn from(number: f64) -> Self {
        Json::Number(number)
    }
}
impl From<usize> for Json {
    fn from(number: usize) -> Self {
        // Indices of steps are far below what an f64 holds exactly.
        #[expect(clippy::cast_precision_loss)]
        Json::Number(number as f64)
    }
}
impl From<u32> for Json {
    fn from(number: u32) -> Self {
        Json::Number(number.into())
    }
}
impl<T: Into<Json>> From<Option<T>> for Json {
    fn from(value: Option<T>) -> Self {
        value.map_or(Json::Null, Into::into)
    }
}
impl<T: Into<Json>> FromIterator<T> for Json {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Json::List(values.into_iter().map(Into::into).collect())
    }
}

/// Indented by two spaces. What is short stands on one line.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write(self, 0, &mut text);
        f.write_str(&text)
    }
}

/// The longest list or object that stands on one line.
const SHORT: usize = 160;

fn write(json: &Json, indent: usize, text: &mut String) {
    let flat = flat(json);
    if flat.chars().count() + indent <= SHORT {
        return text.push_str(&flat);
    }
    let open = |text: &mut String| text.push_str(&format!("\n{:1$}", "", indent + 2));
    let close = |text: &mut String, end| {
        let _ = write!(text, "\n{:indent$}{end}", "");
    };
    match json {
        Json::List(values) => {
            text.push('[');
            for (i, value) in values.iter().enumerate() {
                text.push_str(if i > 0 { "," } else { "" });
                open(text);
                write(value, indent + 2, text);
            }
            close(text, ']');
        }
        Json::Object(fields) => {
            text.push('{');
            for (i, (name, value)) in fields.iter().enumerate() {
                text.push_str(if i > 0 { "," } else { "" });
                open(text);
                let _ = write!(text, "{}: ", quoted(name));
                write(value, indent + 2, text);
            }
            close(text, '}');
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Text(_) => text.push_str(&flat),
    }
}

fn flat(json: &Json) -> String {
    match json {
        Json::Null => "null".into(),
        Json::Bool(truth) => truth.to_string(),
        // JSON has no infinities.
        Json::Number(number) if number.is_finite() => number.to_string(),
        Json::Number(number) => quoted(&number.to_string()),
        Json::Text(text) => quoted(text),
        Json::List(values) => format!("[{}]", values.iter().map(flat).collect::<Vec<_>>().join(", ")),
        Json::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{}: {}", quoted(name), flat(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c < ' ' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn text_is_escaped_and_numbers_keep_their_digits() {
        let json = Json::Object(vec![
            ("text", Json::from("a \"b\" \\ c\n\t\u{1} σ")),
            ("numbers", [0.1, -1e-9, 3.0, f64::INFINITY].into_iter().collect()),
            ("nothing", Json::Null),
        ]);
        let expected =
            r#"{"text": "a \"b\" \\ c\n\t\u0001 σ", "numbers": [0.1, -0.000000001, 3, "inf"], "nothing": null}"#;
        assert_eq!(json.to_string(), expected);
    }

    #[test]
    fn what_is_long_stands_on_lines_of_its_own() {
        let long = "x".repeat(150);
        let json = Json::Object(vec![("long", Json::from(long.as_str())), ("short", Json::from(true))]);
        assert_eq!(json.to_string(), format!("{{\n  \"long\": \"{long}\",\n  \"short\": true\n}}"));
    }
}

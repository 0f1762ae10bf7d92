//! Values written as Python writes them, since templates are made for Python.

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error, ErrorKind};
use std::fmt::Write;

/// `str(value)`.
pub(super) fn string(value: &Value) -> String {
    match value.kind() {
        ValueKind::String => value.as_str().unwrap_or_default().to_owned(),
        ValueKind::Undefined => String::new(),
        _ => represented(value),
    }
}

/// `repr(value)`.
fn represented(value: &Value) -> String {
    let each = |value: &Value| -> Vec<Value> { value.try_iter().map(Iterator::collect).unwrap_or_default() };
    match value.kind() {
        ValueKind::None => "None".to_owned(),
        ValueKind::Bool => if value.is_true() { "True" } else { "False" }.to_owned(),
        ValueKind::Number => number(value),
        ValueKind::String => quoted(value.as_str().unwrap_or_default()),
        ValueKind::Seq => {
            let list: Vec<String> = each(value).iter().map(represented).collect();
            match (value.is_tuple(), &list[..]) {
                (true, [one]) => format!("({one},)"),
                (true, _) => format!("({})", list.join(", ")),
                (false, _) => format!("[{}]", list.join(", ")),
            }
        }
        ValueKind::Map => {
            let one = |key: &Value| {
                let member = value.get_item(key).unwrap_or_default();
                format!("{}: {}", represented(key), represented(&member))
            };
            format!("{{{}}}", each(value).iter().map(one).collect::<Vec<_>>().join(", "))
        }
        _ => value.to_string(),
    }
}

fn number(value: &Value) -> String {
    if value.is_integer() {
        return value.to_string();
    }
    match f64::try_from(value.clone()) {
        Ok(x) if x.is_nan() => "nan".to_owned(),
        Ok(x) if x.is_infinite() => if x > 0.0 { "inf" } else { "-inf" }.to_owned(),
        Ok(x) => float(x),
        Err(_) => value.to_string(),
    }
}

/// The shortest digits that give the number back, with an exponent below 1e-4 and from 1e16 on.
fn float(x: f64) -> String {
    if x != 0.0 && !(1e-4..1e16).contains(&x.abs()) {
        let text = format!("{x:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(("+", exponent), |exponent| ("-", exponent));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    let text = x.to_string();
    if text.contains('.') { text } else { text + ".0" }
}

/// A text in quotes: single ones, unless only those are in it.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for letter in text.chars() {
        match letter {
            '\\' => out += "\\\\",
            '\n' => out += "\\n",
            '\r' => out += "\\r",
            '\t' => out += "\\t",
            letter if letter == quote => out.extend(['\\', quote]),
            letter if letter.is_control() && (letter as u32) < 0x100 => {
                let _ = write!(out, "\\x{:02x}", letter as u32);
            }
            letter => out.push(letter),
        }
    }
    out.push(quote);
    out
}

/// `json.dumps`, with the defaults that transformers gives templates: letters stay as they are, and nothing is escaped for
/// HTML.
pub(super) fn json(value: &Value, options: Kwargs) -> Result<String, Error> {
    let indent: Option<Value> = options.get("indent")?;
    let indent = indent.filter(|indent| !indent.is_none()).map(|indent| match indent.as_str() {
        Some(text) => text.to_owned(),
        None => " ".repeat(indent.as_usize().unwrap_or(0)),
    });
    let (mut item, mut key) = (if indent.is_some() { "," } else { ", " }.to_owned(), ": ".to_owned());
    if let Some(separators) = options.get::<Option<Value>>("separators")?.filter(|given| !given.is_none()) {
        let given: Vec<Value> = separators.try_iter()?.collect();
        let [first, second] = &given[..] else {
            return Err(Error::new(ErrorKind::InvalidOperation, "tojson: `separators` are two texts"));
        };
        (item, key) = (string(first), string(second));
    }
    let written = Json {
        indent,
        item,
        key,
        ascii: options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
        sorted: options.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
    };
    options.assert_all_used()?;
    let mut out = String::new();
    written.write(value, 0, &mut out)?;
    Ok(out)
}

struct Json {
    indent: Option<String>,
    item: String,
    key: String,
    ascii: bool,
    sorted: bool,
}

impl Json {
    fn write(&self, value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
        match value.kind() {
            ValueKind::None => *out += "null",
            ValueKind::Bool => *out += if value.is_true() { "true" } else { "false" },
            ValueKind::Number => *out += &number(value).replace("nan", "NaN").replace("inf", "Infinity"),
            ValueKind::String => self.text(value.as_str().unwrap_or_default(), out),
            ValueKind::Seq | ValueKind::Iterable => {
                let list: Vec<Value> = value.try_iter()?.collect();
                self.list(('[', ']'), list.len(), depth, out, |i, out| self.write(&list[i], depth + 1, out))?;
            }
            ValueKind::Map => {
                let mut members = Vec::new();
                for key in value.try_iter()? {
                    members.push((key_text(&key)?, value.get_item(&key)?));
                }
                if self.sorted {
                    members.sort_by(|(a, _), (b, _)| a.cmp(b));
                }
                self.list(('{', '}'), members.len(), depth, out, |i, out| {
                    self.text(&members[i].0, out);
                    *out += &self.key;
                    self.write(&members[i].1, depth + 1, out)
                })?;
            }
            other => {
                return Err(Error::new(
                    ErrorKind::BadSerialization,
                    format!("tojson: a value is {other}, which JSON has not"),
                ));
            }
        }
        Ok(())
    }

    fn list(
        &self,
        (open, close): (char, char),
        length: usize,
        depth: usize,
        out: &mut String,
        mut one: impl FnMut(usize, &mut String) -> Result<(), Error>,
    ) -> Result<(), Error> {
        out.push(open);
        let line = |depth: usize, out: &mut String| {
            if let Some(indent) = &self.indent {
                out.push('\n');
                *out += &indent.repeat(depth);
            }
        };
        for i in 0..length {
            if i > 0 {
                *out += &self.item;
            }
            line(depth + 1, out);
            one(i, out)?;
        }
        if length > 0 {
            line(depth, out);
        }
        out.push(close);
        Ok(())
    }

    fn text(&self, text: &str, out: &mut String) {
        // What it escapes and how is what Python escapes, too.
        let text = serde_json::Value::from(text).to_string();
        if !self.ascii {
            return *out += &text;
        }
        for letter in text.chars() {
            if letter.is_ascii() {
                out.push(letter);
            } else {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
}

/// A key as `json.dumps` writes it.
fn key_text(key: &Value) -> Result<String, Error> {
    Ok(match key.kind() {
        ValueKind::String => key.as_str().unwrap_or_default().to_owned(),
        ValueKind::Number => number(key),
        ValueKind::Bool => if key.is_true() { "true" } else { "false" }.to_owned(),
        ValueKind::None => "null".to_owned(),
        other => return Err(Error::new(ErrorKind::BadSerialization, format!("tojson: a key is {other}"))),
    })
}

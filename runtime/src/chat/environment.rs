//! The Jinja that transformers runs templates in.

use super::{clock, python};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind};
use minijinja_contrib::pycompat::unknown_method_callback;
use std::borrow::Cow;

/// Blocks take their line with them; loops can be left; methods of Python's texts, lists and dictionaries are there;
/// `tojson`, `raise_exception` and `strftime_now` are transformers' own.
pub(super) fn environment() -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_debug(false);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(unknown_method_callback);
    environment.set_formatter(|out, _, value| out.write_str(&python::string(value)).map_err(Error::from));
    environment.add_filter("tojson", |value: &Value, options: Kwargs| python::json(value, options));
    environment.add_filter("string", |value: &Value| python::string(value));
    environment.add_function("raise_exception", |message: &Value| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, python::string(message)))
    });
    environment.add_function("strftime_now", |format: &str| {
        clock::now(format).map_err(|problem| Error::new(ErrorKind::InvalidOperation, problem))
    });
    Ok(environment)
}

/// `{% generation %}` marks what the assistant wrote and changes nothing in the text: a block that is always taken does
/// the same, and leaves every line where it is.
pub(super) fn without_marks(source: &str) -> Cow<'_, str> {
    if !source.contains("generation") {
        return source.into();
    }
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(begin) = rest.find("{%") {
        let (before, tag) = rest.split_at(begin);
        out += before;
        let Some(end) = tag.find("%}") else {
            rest = tag;
            break;
        };
        let (tag, after) = tag.split_at(end + 2);
        let inner = tag[2..end].trim_matches(['-', '+']).trim();
        match inner {
            "generation" => out += &tag.replacen("generation", "if true", 1),
            "endgeneration" => out += &tag.replacen("endgeneration", "endif", 1),
            _ => out += tag,
        }
        rest = after;
    }
    out += rest;
    out.into()
}

//! A place in a line of text, and what can be read from there.

use super::parse::ParseError;

/// Reads one line from left to right.
pub(super) struct Cursor<'a> {
    rest: &'a str,
    line: usize,
    column: usize,
}

impl<'a> Cursor<'a> {
    /// At the start of a line; lines count from 1.
    pub(super) fn new(text: &'a str, line: usize) -> Self {
        let mut cursor = Cursor { rest: text, line, column: 1 };
        cursor.spaces();
        cursor
    }

    pub(super) fn fault<T>(&self, message: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError { line: self.line, column: self.column, message: message.into() })
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    /// Go over this text, and the spaces behind it, if it is next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let next = self.starts_with(text);
        if next {
            self.advance(text.len());
            self.spaces();
        }
        next
    }

    pub(super) fn expect(&mut self, text: &str) -> Result<(), ParseError> {
        if self.eat(text) { Ok(()) } else { self.fault(format!("expected `{text}`")) }
    }

    /// Go over this word, and the spaces behind it, if it is next.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        self.peek_while(|c| c.is_ascii_alphanumeric() || c == '_') == word && self.eat(word)
    }

    /// All characters from here that fulfil the condition.
    pub(super) fn peek_while(&self, condition: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !condition(c)).unwrap_or(self.rest.len());
        &self.rest[..end]
    }

    /// A name: in double quotes, or all characters that fulfil the condition. No space behind it is gone over.
    pub(super) fn name(&mut self, what: &str, plain: impl Fn(char) -> bool) -> Result<String, ParseError> {
        if self.starts_with("\"") {
            return self.quoted();
        }
        let taken = self.peek_while(plain);
        if taken.is_empty() {
            return self.fault(format!("expected {what}"));
        }
        self.advance(taken.len());
        Ok(taken.to_owned())
    }

    /// Text in double quotes, as it was before it was quoted.
    pub(super) fn quoted(&mut self) -> Result<String, ParseError> {
        if !self.starts_with("\"") {
            return self.fault("expected text in double quotes");
        }
        self.advance(1);
        let mut text = String::new();
        loop {
            let Some(c) = self.rest.chars().next() else { return self.fault("expected a closing `\"`") };
            if c != '\\' {
                self.advance(c.len_utf8());
                if c == '"' {
                    return Ok(text);
                }
                text.push(c);
                continue;
            }
            let escapes = [("\\\"", '"'), ("\\\\", '\\'), ("\\n", '\n'), ("\\t", '\t')];
            if let Some((escape, c)) = escapes.iter().find(|(escape, _)| self.starts_with(escape)) {
                self.advance(escape.len());
                text.push(*c);
                continue;
            }
            let code = self.rest.strip_prefix("\\u{").and_then(|rest| rest.split_once('}')).map(|(code, _)| code);
            let c = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
            let (Some(code), Some(c)) = (code, c) else {
                return self.fault("expected one of \\\" \\\\ \\n \\t \\u{…} after the backslash");
            };
            self.advance(code.len() + "\\u{}".len());
            text.push(c);
        }
    }

    /// The rest of the line.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) fn spaces(&mut self) {
        let spaces = self.rest.len() - self.rest.trim_start_matches(' ').len();
        self.advance(spaces);
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.column += self.rest[..bytes].chars().count();
        self.rest = &self.rest[bytes..];
    }
}

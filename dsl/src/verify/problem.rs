//! One broken rule, and how it is told.

use crate::ir::Place;
use std::fmt;

/// A broken rule: which, what is wrong, where, what led to it, what to write instead.
#[derive(Clone, PartialEq, Debug)]
pub struct Problem {
    /// The rule's code, e.g. `V07`; its page in the book is `errors/v07`.
    pub code: &'static str,
    /// What is wrong, in one line.
    pub message: String,
    /// Where in the user's source, if it is anywhere.
    pub place: Option<Place>,
    /// More about it, one line each.
    pub notes: Vec<String>,
    /// What to write instead.
    pub help: String,
}

impl Problem {
    /// A problem without notes. A place that names no file is none.
    pub(super) fn new(code: &'static str, message: String, place: &Place, help: &str) -> Self {
        let place = (!place.file.is_empty()).then(|| place.clone());
        Problem { code, message, place, notes: Vec::new(), help: help.to_owned() }
    }
}

/// In the compiler's manner.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error[{}]: {}", self.code, self.message)?;
        if let Some(place) = &self.place {
            writeln!(f, "  --> {place}")?;
        }
        for note in &self.notes {
            writeln!(f, "   |  {note}")?;
        }
        writeln!(f, "   help: {}", self.help)?;
        writeln!(f, "   book: errors/{}", self.code.to_lowercase())
    }
}

impl std::error::Error for Problem {}

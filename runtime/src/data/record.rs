//! What a row of data says, before any token.

use crate::{Error, Result};
use collimate_dsl::ir::{Program, SideTag};
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
    pub(super) fn error(&self, problem: impl fmt::Display) -> Error {
        Error::Row { path: PathBuf::from(&*self.path), line: self.line, problem: problem.to_string() }
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

/// What a row says.
#[derive(Clone, PartialEq, Debug)]
pub enum Record {
    /// Two responses to a prompt.
    Pair(Pair),
    /// One good response to a prompt.
    Demo(Demo),
}

/// Two responses to a prompt, the better one first.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Pair {
    /// What is asked.
    pub prompt: String,
    /// The better response.
    pub chosen: String,
    /// The other response.
    pub rejected: String,
    /// What a judge gives the better response.
    pub chosen_score: Option<f64>,
    /// What a judge gives the other response.
    pub rejected_score: Option<f64>,
    /// By how much the better one is better.
    pub margin: Option<f64>,
}

/// One good response to a prompt.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Demo {
    /// What is asked.
    pub prompt: String,
    /// The response.
    pub completion: String,
}

impl Record {
    /// What is asked.
    #[must_use]
    pub fn prompt(&self) -> &str {
        match self {
            Record::Pair(pair) => &pair.prompt,
            Record::Demo(demo) => &demo.prompt,
        }
    }

    /// The responses, in the order of [`View::sides`].
    #[must_use]
    pub fn responses(&self) -> Vec<&str> {
        match self {
            Record::Pair(pair) => vec![&pair.chosen, &pair.rejected],
            Record::Demo(demo) => vec![&demo.completion],
        }
    }

    /// One of its numbers by the name a program gives it.
    #[must_use]
    pub fn number(&self, field: &str) -> Option<f64> {
        match (self, field) {
            (Record::Pair(pair), "chosen_score") => pair.chosen_score,
            (Record::Pair(pair), "rejected_score") => pair.rejected_score,
            (Record::Pair(pair), "margin") => pair.margin,
            (Record::Pair(_) | Record::Demo(_), _) => None,
        }
    }

    pub(super) fn is(&self, shape: Shape) -> bool {
        match self {
            Record::Pair(_) => shape == Shape::Pair,
            Record::Demo(_) => shape == Shape::Demo,
        }
    }
}

/// Which kind of record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    Pair,
    Demo,
}

/// What a program reads of a row: which texts, and which numbers beside them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    pub(super) shape: Shape,
    /// The name that owns the program's inputs, e.g. `scored_pair`.
    pub(super) owner: String,
    /// Field, and the side it belongs to.
    pub(super) numbers: Vec<(String, Option<SideTag>)>,
}

impl View {
    /// Two responses and no numbers.
    #[must_use]
    pub fn pair() -> Self {
        View { shape: Shape::Pair, owner: "pair".to_owned(), numbers: Vec::new() }
    }

    /// One response and no numbers.
    #[must_use]
    pub fn demo() -> Self {
        View { shape: Shape::Demo, owner: "demo".to_owned(), numbers: Vec::new() }
    }

    /// What a program reads of the view with this name.
    ///
    /// # Errors
    /// If files cannot give that view, or a number of it.
    pub fn of(program: &Program, name: &str) -> Result<Self> {
        let shape = match name {
            "pair" | "scored_pair" => Shape::Pair,
            "demo" => Shape::Demo,
            other => {
                return Err(Error::Setting(format!(
                    "`{}` reads a `{other}`, which no data file can give yet; files give `pair`, `scored_pair` and `demo`",
                    program.name
                )));
            }
        };
        let mut numbers: Vec<(String, Option<SideTag>)> = Vec::new();
        for (_, owner, field, ty) in program.inputs() {
            let known = column_known(shape, field);
            if owner != name || numbers.iter().any(|(f, side)| f == field && *side == ty.side) {
                continue;
            }
            if !known {
                let problem = format!("`{}` reads `{name}.{field}`, which no data file can give yet", program.name);
                return Err(Error::Setting(problem));
            }
            numbers.push((field.to_owned(), ty.side));
        }
        Ok(View { shape, owner: name.to_owned(), numbers })
    }

    /// The name that owns its numbers in a program, e.g. `scored_pair`.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// What a row's responses are called in files, in order.
    #[must_use]
    pub fn names(&self) -> &'static [&'static str] {
        match self.shape {
            Shape::Pair => &["chosen", "rejected"],
            Shape::Demo => &["response"],
        }
    }

    /// Whose responses a row has, in order.
    #[must_use]
    pub fn sides(&self) -> &'static [SideTag] {
        match self.shape {
            Shape::Pair => &[SideTag::Chosen, SideTag::Rejected],
            Shape::Demo => &[SideTag::Answer],
        }
    }
}

fn column_known(shape: Shape, field: &str) -> bool {
    match shape {
        Shape::Pair => matches!(field, "chosen_score" | "rejected_score" | "margin"),
        Shape::Demo => false,
    }
}

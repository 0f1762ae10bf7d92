//! Why a program could not be evaluated: one line each, the cause and what to do.

use crate::ir::{Place, SideTag};
use std::fmt;

/// Why a program could not be evaluated.
#[derive(Clone, PartialEq, Debug)]
pub enum EvalError {
    /// The program reads an input that was not given.
    MissingInput {
        /// The input, as [`input_name`] writes it.
        input: String,
        /// Where the program reads it.
        place: Place,
    },
    /// An input has more or fewer values than the layout has places for it.
    WrongLength {
        /// The input, as [`input_name`] writes it.
        input: String,
        /// Values given.
        found: usize,
        /// Values the layout asks for.
        expected: usize,
        /// What there is one value for, e.g. `tokens of Chosen`.
        what: String,
    },
    /// An input holds a NaN or an infinity.
    InputNotFinite {
        /// The input, as [`input_name`] writes it.
        input: String,
        /// Index in the flat vector.
        index: usize,
        /// What stands there.
        value: f64,
    },
    /// A hyper-parameter has no value.
    MissingSetting {
        /// Its name.
        name: String,
        /// Where the program reads it.
        place: Place,
    },
    /// A hyper-parameter is NaN or infinite.
    SettingNotFinite {
        /// Its name.
        name: String,
        /// Its value.
        value: f64,
    },
    /// The layout contradicts itself or its totals.
    Layout(String),
    /// A step of the program cannot be carried out on this batch.
    Step {
        /// What is wrong and what to do.
        message: String,
        /// Where the step was written.
        place: Place,
    },
    /// The loss, a gradient or a metric came out as NaN or infinite.
    ResultNotFinite {
        /// Which result.
        result: String,
        /// The first step whose value or gradient was not finite.
        step: String,
        /// Where that step was written.
        place: Place,
    },
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EvalError::MissingInput { input, place } => {
                write!(f, "{input} is missing: the program reads it at {}", Shown(place))
            }
            EvalError::WrongLength { input, found, expected, what } => {
                write!(f, "{input} has {found} values, the batch has {expected} {what}: give one value for each")
            }
            EvalError::InputNotFinite { input, index, value } => {
                write!(f, "{input} is {value} at index {index}: every value must be a finite number")
            }
            EvalError::MissingSetting { name, place } => {
                write!(f, "hyper-parameter `{name}` has no value: set it, the program reads it at {}", Shown(place))
            }
            EvalError::SettingNotFinite { name, value } => {
                write!(f, "hyper-parameter `{name}` is {value}: set it to a finite number")
            }
            EvalError::Layout(message) => f.write_str(message),
            EvalError::Step { message, place } => write!(f, "{message} (written at {})", Shown(place)),
            EvalError::ResultNotFinite { result, step, place } => write!(
                f,
                "{result} is not a finite number: the first step to leave the finite numbers is {step} at {}",
                Shown(place)
            ),
        }
    }
}

impl std::error::Error for EvalError {}

/// A place, or words where the program was not traced from source.
struct Shown<'a>(&'a Place);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.file.is_empty() { f.write_str("an unknown place") } else { self.0.fmt(f) }
    }
}

/// How an input is named in messages: `` `actor.logp` of Chosen ``.
#[must_use]
pub fn input_name(owner: &str, field: &str, side: Option<SideTag>) -> String {
    match side {
        Some(side) => format!("`{owner}.{field}` of {side}"),
        None => format!("`{owner}.{field}`"),
    }
}

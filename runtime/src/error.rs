//! What can go wrong, each with where and what to do.

use std::path::PathBuf;

/// An error a user can act on: its text is one line with the cause and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read, written or understood.
    #[error("{}: {problem}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A row of a data file that cannot be used.
    #[error("{}:{line}: {problem}", path.display())]
    Row {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with which field, and what to do.
        problem: String,
    },
    /// An option or combination of options that cannot be used.
    #[error("{0}")]
    Setting(String),
    /// A number that is not finite, or a shape that does not fit.
    #[error("{0}")]
    Numeric(String),
}

impl Error {
    /// A problem with a file.
    pub fn file(path: impl Into<PathBuf>, problem: impl std::fmt::Display) -> Self {
        Error::File { path: path.into(), problem: problem.to_string() }
    }
}

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

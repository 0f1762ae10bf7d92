//! Data as files have it: one JSON object a line.

use serde_json::Value;

/// What can stand on a line of a `.jsonl` file.
pub trait Line {
    /// The object, its fields in the order in which they are written.
    fn json(&self) -> Value;
}

/// The text of a `.jsonl` file with these lines.
#[must_use]
pub fn jsonl<L: Line>(lines: &[L]) -> String {
    lines.iter().map(|line| format!("{}\n", line.json())).collect()
}

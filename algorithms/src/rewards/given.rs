//! Rows and responses for the tests of rewards.

use super::{HostReward, Written};
use collimate_runtime::data::{Origin, Record, Row};
use collimate_runtime::train::Answer;
use std::path::Path;

pub(super) fn row(prompt: &str, fields: &str) -> Row {
    let fields = serde_json::from_str(fields).expect("a row is JSON");
    Row {
        origin: Origin { path: Path::new("rows.jsonl").into(), line: 7 },
        record: Record { fields, ..Record::group(prompt, Vec::new()) },
    }
}

pub(super) fn worth_of(
    reward: &HostReward,
    prompt: &str,
    fields: &str,
    text: &str,
    ended: bool,
) -> Result<f64, String> {
    let row = row(prompt, fields);
    (reward.worth)(&Written::new(Answer { row: &row, text, ended }))
}

pub(super) fn worth(reward: &HostReward, fields: &str, text: &str) -> Result<f64, String> {
    worth_of(reward, "", fields, text, true)
}

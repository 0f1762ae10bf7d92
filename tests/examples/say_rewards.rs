//! Writes what a saved reward model says of sandbox answers into its folder, for `tests/golden/open_rewards.py` to compare.
//!
//!     cargo run -p collimate-tests --example say_rewards -- FOLDER

use collimate::sandbox::Split;
use collimate::sandbox::data::ratings;
use collimate_runtime::data::{Origin, Record, Row, View};
use collimate_runtime::model::Weights;
use collimate_runtime::reward::RewardModel;
use collimate_runtime::tokenizer::Tokenizer;
use serde_json::json;
use std::path::Path;

/// Questions, and answers to each.
const QUESTIONS: usize = 20;
const ANSWERS: usize = 4;

fn main() {
    let folder = std::env::args().nth(1).expect("name the folder of a reward model");
    let folder = Path::new(&folder);
    let tokenizer = Tokenizer::from_folder(folder).expect("a tokenizer");
    let model = RewardModel::new(Weights::load(folder).expect("a model"), &tokenizer).expect("a reward model");
    let row = |(i, rating): (usize, collimate::sandbox::data::Rating)| Row {
        origin: Origin { path: Path::new("sandbox").into(), line: i + 1 },
        record: Record::answer(rating.prompt, rating.response),
    };
    let rows: Vec<Row> =
        ratings(QUESTIONS, ANSWERS, Split::HeldOut, None, 7).into_iter().enumerate().map(row).collect();
    let values = model.values(&rows, &View::demo()).expect("values");
    let said: Vec<_> = rows
        .iter()
        .zip(&values)
        .map(|(row, of)| json!({ "prompt": row.record.prompt, "response": row.record.responses[0], "values": of[0] }))
        .collect();
    let whole = json!({ "labels": model.labels(), "answers": said });
    std::fs::write(folder.join("rewards.json"), format!("{whole:#}\n")).expect("it can be written");
}

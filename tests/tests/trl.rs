//! Ten steps of DPO are those of TRL, on a small real model and rows whose prompts end where a token ends.

use collimate::dpo::DPO;
use collimate_runtime::data::{Origin, Record, Row};
use collimate_runtime::metric::Measurement;
use collimate_runtime::model::Weights;
use collimate_runtime::train::{Dtype, RunSettings, Schedule};
use collimate_tests::{assets, steps::steps};
use serde_json::Value;
use std::path::Path;

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/trl.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn rows(golden: &Value) -> Vec<Row> {
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    let row = |(i, row): (usize, &Value)| Row {
        origin: Origin { path: Path::new("trl.json").into(), line: i + 1 },
        record: Record::pair(text(row, "prompt"), text(row, "chosen"), text(row, "rejected")),
    };
    golden["rows"].as_array().unwrap().iter().enumerate().map(row).collect()
}

fn train(model: &Path, golden: &Value, max_length: u64, micro_batch: usize, dtype: Dtype) -> Vec<Measurement> {
    let number = |name: &str| golden["settings"][name].as_f64().unwrap();
    let settings = RunSettings {
        steps: Some(number("steps") as u64),
        batch: number("batch") as usize,
        micro_batch: Some(micro_batch),
        dtype,
        lr: number("lr"),
        schedule: Schedule::Constant,
        max_length: Some(max_length as usize),
        shuffle: false,
        set: [("beta".to_owned(), number("beta"))].into(),
        ..RunSettings::default()
    };
    steps(&DPO, settings, Weights::load(model).unwrap(), model, &rows(golden))
}

#[test]
fn ten_steps_are_those_of_trl() {
    let Some(assets) = assets("ten_steps_are_those_of_trl") else { return };
    let (model, golden) = (assets.join("weights/stories260K-hf"), golden());
    for (name, run) in golden["runs"].as_object().unwrap() {
        for micro_batch in [4, 1] {
            let seen = train(&model, &golden, run["max_length"].as_u64().unwrap(), micro_batch, Dtype::F32);
            let wanted = run["metrics"].as_array().unwrap();
            assert_eq!(seen.len(), wanted.len());
            for (seen, wanted) in seen.iter().zip(wanted) {
                let found = seen.to_json();
                for (metric, wanted) in wanted.as_object().unwrap() {
                    let (found, wanted) = (found[metric].as_f64().unwrap(), wanted.as_f64().unwrap());
                    // Rewards are differences of sums of up to a hundred, in f32.
                    let off = (found - wanted).abs() - 1e-4;
                    assert!(off <= 2e-3 * wanted.abs(), "{name}, step {}: {metric} {found} {wanted}", seen.step);
                }
            }
        }
    }
}

#[test]
fn weights_in_bf16_stay_near_the_steps_of_trl() {
    let Some(assets) = assets("weights_in_bf16_stay_near_the_steps_of_trl") else { return };
    let (model, golden) = (assets.join("weights/stories260K-hf"), golden());
    for run in golden["runs"].as_object().unwrap().values() {
        let length = run["max_length"].as_u64().unwrap();
        let seen = train(&model, &golden, length, 4, Dtype::Bf16);
        for (seen, wanted) in seen.iter().zip(run["metrics"].as_array().unwrap()) {
            // A loss is a logarithm of a difference of two sums; each of those moves by what rounding does to some hundred terms.
            for (metric, near, share) in
                [("loss", 0.1, 0.0), ("logps/chosen", 0.0, 0.01), ("logps/rejected", 0.0, 0.01)]
            {
                let (found, wanted) = (seen.to_json()[metric].as_f64().unwrap(), wanted[metric].as_f64().unwrap());
                let off = (found - wanted).abs();
                assert!(off <= near + share * wanted.abs(), "step {}: {metric} {found} {wanted}", seen.step);
            }
        }
    }
}

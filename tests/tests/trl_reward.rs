//! Ten steps of a reward model are those of TRL's RewardTrainer, on a small real model.

use collimate::{Algorithm, reward_bt, reward_margin};
use collimate_runtime::data::{Origin, Record, Row};
use collimate_runtime::metric::Measurement;
use collimate_runtime::model::Weights;
use collimate_runtime::train::{RunSettings, Schedule};
use collimate_tests::{assets, steps::steps};
use serde_json::Value;
use std::path::Path;

const ALGORITHMS: [&Algorithm; 3] = [&reward_bt::REWARD_BT, &reward_margin::REWARD_MARGIN, &reward_bt::REWARD_BT_TRL];

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/trl_reward.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The model with the head that the script gave it.
fn model(folder: &Path) -> Weights {
    let mut weights = Weights::load(folder).unwrap().with_head(&["score"], 0);
    let width = weights.config.hidden_size;
    let start = weights.data.len() - width;
    for (i, w) in weights.data[start..].iter_mut().enumerate() {
        *w = (0.2 * (0.7 * i as f64 + 0.3).sin()) as f32;
    }
    weights
}

fn train(folder: &Path, golden: &Value, algorithm: &Algorithm, micro_batch: usize) -> Vec<Measurement> {
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    let row = |(i, row): (usize, &Value)| Row {
        origin: Origin { path: Path::new("trl_reward.json").into(), line: i + 1 },
        record: Record::pair(text(row, "prompt"), text(row, "chosen"), text(row, "rejected"))
            .with("margin", [row["margin"].as_f64().unwrap()]),
    };
    let rows: Vec<Row> = golden["rows"].as_array().unwrap().iter().enumerate().map(row).collect();
    let number = |name: &str| golden["settings"][name].as_f64().unwrap();
    let set = (algorithm.hyper)().into_iter().map(|spec| (spec.name.to_owned(), number(spec.name))).collect();
    let settings = RunSettings {
        steps: Some(number("steps") as u64),
        batch: number("batch") as usize,
        micro_batch: Some(micro_batch),
        lr: number("lr"),
        schedule: Schedule::Constant,
        shuffle: false,
        set,
        ..RunSettings::default()
    };
    steps(algorithm, settings, model(folder), folder, &rows)
}

#[test]
fn ten_steps_of_a_reward_model_are_those_of_trl() {
    let Some(assets) = assets("ten_steps_of_a_reward_model_are_those_of_trl") else { return };
    let (folder, golden) = (assets.join("weights/stories260K-hf"), golden());
    for algorithm in ALGORITHMS {
        for micro_batch in [4, 1] {
            let seen = train(&folder, &golden, algorithm, micro_batch);
            let wanted = golden["runs"][algorithm.name].as_array().unwrap();
            assert_eq!(seen.len(), wanted.len());
            let mut worst = 0.0_f64;
            for (seen, wanted) in seen.iter().zip(wanted) {
                let found = seen.to_json();
                for (metric, wanted) in wanted.as_object().unwrap() {
                    let (found, wanted) = (found[metric].as_f64().unwrap(), wanted.as_f64().unwrap());
                    let off = (found - wanted).abs() - 1e-5;
                    assert!(
                        off <= 2e-3 * wanted.abs(),
                        "{}, step {}: {metric} {found} {wanted}",
                        algorithm.name,
                        seen.step
                    );
                    worst = worst.max((found - wanted).abs() / wanted.abs().max(1e-3));
                }
            }
            println!("{}: at most {worst:.1e} of a number apart", algorithm.name);
        }
    }
}

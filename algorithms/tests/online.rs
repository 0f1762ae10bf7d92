//! Every algorithm that draws its responses, for a few steps on the built-in model.

use collimate::rewards::{Combined, JUDGE, Source, Term};
use collimate::sandbox::{Split, base, data};
use collimate::{ALL, Algorithm};
use collimate_runtime::data::{Origin, Record, Row};
use collimate_runtime::device;
use collimate_runtime::metric::Measurement;
use collimate_runtime::train::{Answer, DrawSettings, Job, Observer, RunSettings};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// What its rows are drawn for has no reward of its own: they are given.
const GIVEN: &[&str] = &["steerlm2"];

#[derive(Default)]
struct Seen(Vec<Measurement>);
impl Observer for Seen {
    fn stepped(&mut self, measurement: &Measurement) {
        self.0.push(measurement.clone());
    }
}

fn prompts(algorithm: &Algorithm) -> Vec<Row> {
    let row = |(i, record)| Row { origin: Origin { path: Path::new("sandbox").into(), line: i + 1 }, record };
    let plays = (algorithm.trace)().inputs().any(|(_, owner, ..)| owner == "previous");
    let records: Vec<Record> = if plays {
        data::demonstrations(8, 1).into_iter().map(|d| Record::answer(d.prompt, d.completion)).collect()
    } else {
        data::prompts(8, Split::Train, 1).into_iter().map(|prompt| Record::group(prompt, Vec::new())).collect()
    };
    records.into_iter().enumerate().map(row).collect()
}

fn train(algorithm: &Algorithm, draw: DrawSettings, steps: u64) -> (Vec<Measurement>, f64) {
    let (weights, tokenizer) = base::model().expect("it is built in");
    let before = weights.data.clone();
    let settings = RunSettings {
        algorithm: algorithm.name.to_owned(),
        steps: Some(steps),
        batch: 2,
        lr: 1e-4,
        draw: Some(DrawSettings { num_generations: 4, max_new_tokens: 24, ..draw }),
        ..RunSettings::default()
    };
    let mut judge = Combined { terms: vec![Term { weight: 1.0, source: Source::Host(&JUDGE) }], gate: None };
    let mut reward = |answers: &[Answer<'_>]| judge.judge(answers);
    let mut seen = Seen::default();
    let trained = device::train(Job {
        settings,
        program: &(algorithm.trace)(),
        view: algorithm.view,
        specs: &(algorithm.hyper)(),
        weights,
        teacher: None,
        critic: None,
        tokenizer: &tokenizer,
        rows: &prompts(algorithm),
        reward: Some(&mut reward),
        sampler: None,
        eval_rows: &[],
        out: None,
        resume: false,
        stop: &AtomicBool::new(false),
        observer: &mut seen,
    });
    let trained = trained.unwrap_or_else(|e| panic!("{}: {e}", algorithm.name));
    let moved = trained.weights.data.iter().zip(&before).map(|(a, b)| f64::from((a - b).abs())).sum();
    (seen.0, moved)
}

fn metric(measurement: &Measurement, name: &str) -> f64 {
    measurement.metrics.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("no {name}")).1
}

#[test]
fn every_algorithm_that_draws_trains() {
    let drawing = ALL.iter().filter(|algorithm| algorithm.draws() && !GIVEN.contains(&algorithm.family()));
    let mut count = 0;
    for algorithm in drawing {
        // Two steps on the same responses: where the ratio to the policy that drew them is limited, it is not 1 in the
        // second.
        let draw = DrawSettings { num_iterations: 2, ..DrawSettings::default() };
        let (seen, moved) = train(algorithm, draw, 4);
        for measurement in &seen {
            assert!(measurement.loss.is_finite() && measurement.grad_norm.is_finite(), "{}", algorithm.name);
        }
        assert!(seen.iter().any(|m| m.grad_norm > 0.0) && moved > 0.0, "{} does not move", algorithm.name);
        assert!((0.0..=10.0).contains(&metric(&seen[0], "reward")), "{}", algorithm.name);
        count += 1;
    }
    assert!(count > 40, "{count}");
}

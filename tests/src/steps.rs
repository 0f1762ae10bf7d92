//! A training run that leaves nothing behind but what each step measured.

use collimate::Algorithm;
use collimate_runtime::data::Row;
use collimate_runtime::device;
use collimate_runtime::metric::Measurement;
use collimate_runtime::model::Weights;
use collimate_runtime::tokenizer::Tokenizer;
use collimate_runtime::train::{Job, Observer, RunSettings};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// Keeps every step.
#[derive(Default)]
struct Seen(Vec<Measurement>);
impl Observer for Seen {
    fn stepped(&mut self, measurement: &Measurement) {
        self.0.push(measurement.clone());
    }
}

/// What every step of a run on these rows measured; `folder` holds the tokenizer.
///
/// # Panics
/// If it cannot be run.
#[must_use]
pub fn steps(
    algorithm: &Algorithm,
    settings: RunSettings,
    weights: Weights,
    folder: &Path,
    rows: &[Row],
) -> Vec<Measurement> {
    let mut seen = Seen::default();
    let job = Job {
        settings,
        program: &(algorithm.trace)(),
        view: algorithm.view,
        specs: &(algorithm.hyper)(),
        weights,
        teacher: None,
        critic: None,
        tokenizer: &Tokenizer::from_folder(folder).unwrap(),
        rows,
        reward: None,
        sampler: None,
        eval_rows: &[],
        out: None,
        resume: false,
        stop: &AtomicBool::new(false),
        observer: &mut seen,
    };
    device::train(job).unwrap();
    seen.0
}

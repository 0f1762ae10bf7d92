//! A training run that leaves nothing behind but what each step measured.

use collimate::Algorithm;
use collimate_runtime::data::Row;
use collimate_runtime::device;
use collimate_runtime::metric::Measurement;
use collimate_runtime::model::Weights;
use collimate_runtime::sample::Sampler;
use collimate_runtime::tokenizer::Tokenizer;
use collimate_runtime::train::{Job, Observer, Reward, RunSettings};
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
    let tokenizer = Tokenizer::from_folder(folder).unwrap();
    run(algorithm, settings, weights, &tokenizer, rows, None).0
}

/// What a run is given that has its responses drawn.
pub struct Drawn<'a, 'b> {
    /// What they are worth.
    pub reward: &'a mut Reward<'b>,
    /// Who draws.
    pub sampler: &'a mut dyn Sampler,
    /// What the critic begins with, if one is trained.
    pub critic: Option<Weights>,
}

/// The same for a run on the responses that a sampler gives to these rows' prompts, and the weights after it.
///
/// # Panics
/// If it cannot be run.
#[must_use]
pub fn drawn_steps(
    algorithm: &Algorithm,
    settings: RunSettings,
    weights: Weights,
    tokenizer: &Tokenizer,
    rows: &[Row],
    drawn: Drawn<'_, '_>,
) -> (Vec<Measurement>, Weights) {
    run(algorithm, settings, weights, tokenizer, rows, Some(drawn))
}

fn run(
    algorithm: &Algorithm,
    settings: RunSettings,
    weights: Weights,
    tokenizer: &Tokenizer,
    rows: &[Row],
    drawn: Option<Drawn<'_, '_>>,
) -> (Vec<Measurement>, Weights) {
    let (reward, sampler, critic) = match drawn {
        Some(Drawn { reward, sampler, critic }) => {
            (Some(reward as &mut Reward<'_>), Some(sampler as &mut dyn Sampler), critic)
        }
        None => (None, None, None),
    };
    let mut seen = Seen::default();
    let job = Job {
        settings,
        program: &(algorithm.trace)(),
        view: algorithm.view,
        specs: &(algorithm.hyper)(),
        weights,
        teacher: None,
        critic,
        tokenizer,
        rows,
        reward,
        sampler,
        eval_rows: &[],
        out: None,
        resume: false,
        stop: &AtomicBool::new(false),
        observer: &mut seen,
    };
    let trained = device::train(job).unwrap();
    (seen.0, trained.weights)
}

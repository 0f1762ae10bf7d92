//! The base model: what runs in the sandbox start from, and the recipe that made it.
//!
//! A decoder of about a million weights, trained on answers by writers of very different care. So it knows how good
//! answers go and often gives bad ones: there is something for an algorithm to improve. It is committed as bf16, and
//! [`train`] makes it again.

use super::data::{Demonstration, mixture};
use collimate_runtime::data::{Origin, Record, Row};
use collimate_runtime::device;
use collimate_runtime::model::{ModelConfig, Precision, Weights};
use collimate_runtime::tokenizer::{Files, Tokenizer};
use collimate_runtime::train::{Job, Observer, RunSettings, Schedule};
use collimate_runtime::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

macro_rules! asset {
    ($name:literal) => {
        include_bytes!(concat!("../../assets/sandbox/", $name))
    };
}

/// Answers the tokenizer is learned from.
const TOKENIZER_TEXTS: usize = 20_000;
/// Tokens of the vocabulary.
const VOCABULARY: usize = 1024;
/// Answers in one optimizer step.
const BATCH: usize = 64;
/// Standard deviation of the random matrices it begins with.
const DEVIATION: f64 = 0.06;
/// Optimizer steps of the committed model.
pub const STEPS: u64 = 3000;

/// The built-in model and its tokenizer.
///
/// # Errors
/// If the files that are built in are not a model: a mistake of whoever built this program.
pub fn model() -> Result<(Weights, Tokenizer)> {
    let weights = Weights::from_bytes("the built-in model", asset!("config.json"), asset!("model.safetensors"))?;
    let files: [(&str, &[u8]); 3] = [
        ("tokenizer.json", asset!("tokenizer.json")),
        ("tokenizer_config.json", asset!("tokenizer_config.json")),
        ("generation_config.json", asset!("generation_config.json")),
    ];
    Ok((weights, Tokenizer::from_files(Files::from_bytes(files))?))
}

/// Makes the base model from nothing and writes it to a folder: tokenizer, random weights, supervised training.
/// The same seed and steps give the same model.
///
/// # Errors
/// If training fails or the folder cannot be written.
pub fn train(out: &Path, steps: u64, seed: u64, stop: &AtomicBool, observer: &mut dyn Observer) -> Result<()> {
    let demonstrations = mixture(steps as usize * BATCH, seed);
    let text = |d: &Demonstration| format!("{}{}", d.prompt, d.completion);
    let tokenizer = Tokenizer::learn(demonstrations.iter().take(TOKENIZER_TEXTS).map(text), VOCABULARY)?;
    let weights = Weights::random_within(config(tokenizer.vocabulary()), DEVIATION, seed);
    let origin: Arc<Path> = Arc::from(Path::new("the sandbox's mixture"));
    let row = |(i, d): (usize, Demonstration)| Row {
        origin: Origin { path: Arc::clone(&origin), line: i + 1 },
        record: Record::answer(d.prompt, d.completion),
    };
    let rows: Vec<Row> = demonstrations.into_iter().enumerate().map(row).collect();
    let algorithm = &crate::sft::SFT;
    let (program, specs) = ((algorithm.trace)(), (algorithm.hyper)());
    let settings = RunSettings {
        algorithm: algorithm.name.to_owned(),
        steps: Some(steps),
        batch: BATCH,
        lr: 2e-3,
        schedule: Schedule::Cosine,
        warmup: steps.min(100),
        weight_decay: 0.01,
        seed,
        shuffle: false,
        checkpoint_every: 0,
        ..RunSettings::default()
    };
    let trained = device::train(Job {
        settings,
        program: &program,
        view: algorithm.view,
        specs: &specs,
        weights,
        teacher: None,
        critic: None,
        tokenizer: &tokenizer,
        rows: &rows,
        reward: None,
        sampler: None,
        eval_rows: &[],
        out: None,
        resume: false,
        stop,
        observer,
    })?;
    if trained.stopped {
        return Err(Error::Setting(format!("stopped after {} of {steps} steps; nothing was written", trained.steps)));
    }
    trained.weights.save(out, Precision::BF16)?;
    tokenizer.files().write(out)
}

fn config(vocab_size: usize) -> ModelConfig {
    ModelConfig {
        family: Default::default(),
        vocab_size,
        hidden_size: 128,
        intermediate_size: 384,
        num_hidden_layers: 5,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 32,
        max_position_embeddings: 256,
        rms_norm_eps: 1e-5,
        rope_theta: 1e4,
        rope_scaling: Default::default(),
        tie_word_embeddings: true,
    }
}

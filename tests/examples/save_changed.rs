//! Writes what a training run writes, for `golden/open_saved.py` to open in transformers:
//!
//! ```text
//! cargo run -p collimate-tests --example save_changed -- SOURCE_FOLDER NEW_FOLDER [f32|f16|bf16]
//! ```
//!
//! The source's weights are changed a little, as training would, and saved; the saved folder is loaded again, and its
//! log-probabilities of some tokens are put beside it as `expected.json`.

use collimate_runtime::model::{Engine, FusedEngine, Parameters, Precision, Sequences, Weights};
use collimate_runtime::{Error, Result, random::Random};
use std::path::Path;
use std::sync::Arc;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (source, folder, precision) = match arguments[..] {
        [source, folder] | [source, folder, "f32"] => (Path::new(source), Path::new(folder), Precision::F32),
        [source, folder, "f16"] => (Path::new(source), Path::new(folder), Precision::F16),
        [source, folder, "bf16"] => (Path::new(source), Path::new(folder), Precision::BF16),
        _ => return Err(Error::Setting("give a source folder, a new folder and perhaps f32, f16 or bf16".to_owned())),
    };
    let mut random = Random::new(1);
    let mut weights = Weights::load(source)?;
    weights.data.iter_mut().for_each(|w| *w += 0.01 * random.normal_pair().0 as f32);
    weights.save(folder, precision)?;

    let saved = Weights::load(folder)?;
    let length = saved.config.longest().min(50);
    let tokens: Vec<u32> = (0..length).map(|_| random.below(saved.config.vocab_size) as u32).collect();
    let mut batch = Sequences::default();
    batch.push(&tokens[..1], &tokens[1..]);
    let logp = FusedEngine::new(Arc::new(Parameters::frozen(saved))).score(&batch)?;
    let expected = serde_json::json!({ "tokens": tokens, "logp": logp });
    let path = folder.join("expected.json");
    std::fs::write(&path, expected.to_string()).map_err(|error| Error::file(path, error))
}

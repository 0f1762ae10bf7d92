//! Tokens a second of generation: random prompts of 64 tokens, 64 new tokens each, no token ends a sample.
//!
//! `cargo bench -p collimate-runtime --bench generate -- MODEL [SAMPLES…] [bf16]`, one line of JSON for each number of samples at once;
//! `benches/generate.py` runs transformers in turn with it.

use collimate_runtime::{
    model::Weights,
    random::Random,
    sample::{Sampling, generate},
    train::Dtype,
};
use std::path::Path;
use std::time::Instant;

const TOKENS: usize = 64;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let Some((folder, at_once)) = args.split_first() else { panic!("give a model's folder") };
    let weights = Weights::load(Path::new(folder)).unwrap_or_else(|error| panic!("{error}"));
    let dtype = if at_once.iter().any(|word| word == "bf16") { Dtype::Bf16 } else { Dtype::F32 };
    let mut at_once: Vec<usize> = at_once
        .iter()
        .filter(|word| !["f32", "bf16"].contains(&word.as_str()))
        .map(|n| n.parse().expect("a number of samples"))
        .collect();
    if at_once.is_empty() {
        at_once = vec![1, 8];
    }
    let mut random = Random::new(1);
    for samples in at_once {
        let prompts: Vec<Vec<u32>> = (0..samples)
            .map(|_| (0..TOKENS).map(|_| random.below(weights.config.vocab_size.min(4000)) as u32).collect())
            .collect();
        let settings = Sampling { max_new_tokens: TOKENS, end_tokens: vec![], dtype, ..Sampling::default() };
        let run = |new| {
            let start = Instant::now();
            let made = generate(&weights, &prompts, &Sampling { max_new_tokens: new, ..settings.clone() }, |_| {});
            assert!(made.expect("prompts the model can read").iter().all(|made| made[0].tokens.len() == new));
            start.elapsed().as_secs_f64()
        };
        run(4);
        let rate = (samples * TOKENS) as f64 / run(TOKENS);
        println!("{{\"samples\": {samples}, \"tokens_per_second\": {rate:.1}}}");
    }
}

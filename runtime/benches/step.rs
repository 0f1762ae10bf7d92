//! Time of a DPO-like step of the fused engine: a reference is scored, the actor runs forward, backward and is updated.
//!
//! `cargo bench -p collimate-runtime --bench step [-- tiny|small] [pairs]`

use collimate_runtime::{
    model::{Engine, FusedEngine, ModelConfig, Parameters, Sequences, Weights},
    random::Random,
    sample::{Sampling, generate},
    train::{AdamW, Update, length},
};
use dfdx::prelude::{Backward, MeanTo, PutTape};
use std::{sync::Arc, time::Instant};

fn config(name: &str) -> ModelConfig {
    let (sizes, layers, heads, vocab_size) = match name {
        "tiny" => ([256, 688], 8, [8, 4, 32], 4096),
        "small" => ([576, 1536], 30, [9, 3, 64], 49152),
        other => panic!("no case is called {other}: give tiny or small"),
    };
    ModelConfig {
        vocab_size,
        hidden_size: sizes[0],
        intermediate_size: sizes[1],
        num_hidden_layers: layers,
        num_attention_heads: heads[0],
        num_key_value_heads: heads[1],
        head_dim: heads[2],
        max_position_embeddings: 2048,
        rms_norm_eps: 1e-5,
        rope_theta: 1e4,
        rope_scaling: Default::default(),
        tie_word_embeddings: true,
    }
}

/// Prompts and answers of 64 to 192 tokens.
fn batch(pairs: usize, random: &mut Random) -> Sequences {
    let mut batch = Sequences::default();
    let text =
        |random: &mut Random| -> Vec<u32> { (0..64 + random.below(129)).map(|_| random.below(4096) as u32).collect() };
    for _ in 0..pairs {
        let prompt = text(random);
        (0..2).for_each(|_| batch.push(&prompt, &text(random)));
    }
    batch
}

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
    let name = args.next().unwrap_or_else(|| "tiny".to_owned());
    let pairs = args.next().map_or(if name == "tiny" { 8 } else { 2 }, |n| n.parse().expect("a number of pairs"));
    let weights = Weights::random(config(&name), 0);
    println!("{name}: {:.1} M parameters, {pairs} pairs a step", weights.data.len() as f64 * 1e-6);
    let reference = FusedEngine::new(Arc::new(Parameters::frozen(weights.clone())));
    let parameters = Arc::new(Parameters::new(weights));
    let actor = FusedEngine::new(Arc::clone(&parameters));
    let mut optimizer = AdamW::new(parameters.gradient.lock().expect("no thread has failed").len());
    let mut random = Random::new(1);
    for step in 0..6 {
        let batch = batch(pairs, &mut random);
        let mut times = Vec::new();
        let mut start = Instant::now();
        let mut lap = |name: &'static str| {
            times.push((name, start.elapsed().as_secs_f64()));
            start = Instant::now();
        };
        reference.score(&batch).expect("a batch the model can read");
        lap("reference");
        let live = actor.forward(&batch).expect("a batch the model can read");
        lap("forward");
        drop(live.logp.put_tape(live.tape).mean().backward());
        lap("backward");
        let mut gradient = parameters.gradient.lock().expect("no thread has failed");
        assert!(length(&gradient) > 0.0);
        lap("length");
        let mut weights = parameters.weights.write().expect("no thread has failed");
        optimizer.update(&mut weights, &gradient, Update { lr: 1e-4, weight_decay: 0.0, scale: 1.0 });
        lap("update");
        gradient.fill(0.0);
        lap("clear");
        let total: f64 = times.iter().map(|(_, seconds)| seconds).sum();
        let parts: Vec<String> = times.iter().map(|(name, seconds)| format!("{name} {:.0}", 1e3 * seconds)).collect();
        println!(
            "step {step}: {:.0} ms ({:.0} tokens/s): {} ms; peak {:.0} MB",
            1e3 * total,
            batch.tokens.len() as f64 / total,
            parts.join(", "),
            peak()
        );
    }
    let weights = parameters.weights.read().expect("no thread has failed");
    for at_once in [1, 8] {
        let prompts: Vec<Vec<u32>> =
            (0..at_once).map(|_| (0..64).map(|_| random.below(4096) as u32).collect()).collect();
        let start = Instant::now();
        generate(&weights, &prompts, &Sampling::default(), |_| {}).expect("prompts the model can read");
        println!("generate {at_once} at once: {:.0} tokens/s", 64.0 * at_once as f64 / start.elapsed().as_secs_f64());
    }
}

/// The most memory this process has held, in MB, where the system says.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

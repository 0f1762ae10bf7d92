//! Time of a DPO-like step of the fused engine: a reference is scored, the actor runs forward, backward and is updated.
//!
//! `cargo bench -p collimate-runtime --bench step [-- tiny|small] [pairs] [group] [apart] [recompute] [steps=6]`, where `group` takes eight
//! responses of 64 tokens to a prompt of 512 for each pair, and `apart` reads a prompt again for each response.
//!
//! Times are those that all threads spent, which other programs on the machine disturb less than the clock's (run with
//! `RAYON_NUM_THREADS=1`: threads that wait also spend).

use collimate_runtime::{
    model::{Engine, FusedEngine, FusedOptions, ModelConfig, Parameters, Sequences, Weights},
    random::Random,
    sample::{Sampling, generate},
    train::{AdamW, Update, length},
};
use dfdx::prelude::{Backward, MeanTo, PutTape};
use std::sync::Arc;

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
fn pairs(count: usize, random: &mut Random) -> Sequences {
    let mut batch = Sequences::default();
    for _ in 0..count {
        let length = 64 + random.below(129);
        let prompt = text(length, random);
        for _ in 0..2 {
            let length = 64 + random.below(129);
            batch.push(&prompt, &text(length, random));
        }
    }
    batch
}

/// Eight short answers to each long prompt.
fn groups(count: usize, random: &mut Random) -> Sequences {
    let mut batch = Sequences::default();
    for _ in 0..count {
        let prompt = text(512, random);
        (0..8).for_each(|_| batch.push(&prompt, &text(64, random)));
    }
    batch
}

fn text(length: usize, random: &mut Random) -> Vec<u32> {
    (0..length).map(|_| random.below(4096) as u32).collect()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is = |word: &str| args.iter().any(|arg| arg == word);
    let name = if is("small") { "small" } else { "tiny" };
    let given = args.iter().find_map(|arg| arg.parse().ok());
    let count = given.unwrap_or(if name == "tiny" { 8 } else { 2 });
    let steps = args.iter().find_map(|arg| arg.strip_prefix("steps=")?.parse().ok()).unwrap_or(6);
    let options = FusedOptions { share_prompts: !is("apart"), recompute: is("recompute") };
    let weights = Weights::random(config(name), 0);
    println!("{name}: {:.1} M parameters, {count} prompts a step, {options:?}", weights.data.len() as f64 * 1e-6);
    let reference = FusedEngine::with(Arc::new(Parameters::frozen(weights.clone())), options);
    let parameters = Arc::new(Parameters::new(weights));
    let actor = FusedEngine::with(Arc::clone(&parameters), options);
    let mut optimizer = AdamW::new(parameters.gradient.lock().expect("no thread has failed").len());
    let mut random = Random::new(1);
    for step in 0..steps {
        let batch = if is("group") { groups(count, &mut random) } else { pairs(count, &mut random) };
        let mut times = Vec::new();
        let mut start = cpu_seconds();
        let mut lap = |name: &'static str| {
            let now = cpu_seconds();
            times.push((name, now - start));
            start = now;
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
        let start = cpu_seconds();
        generate(&weights, &prompts, &Sampling::default(), |_| {}).expect("prompts the model can read");
        println!("generate {at_once} at once: {:.0} tokens/s", 64.0 * at_once as f64 / (cpu_seconds() - start));
    }
}

/// Seconds all threads of this process have run, where the system says.
fn cpu_seconds() -> f64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return f64::NAN };
    let spent = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    1e-9 * spent.sum::<f64>()
}

/// The most memory this process has held, in MB, where the system says.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

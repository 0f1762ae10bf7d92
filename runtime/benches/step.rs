//! Time of a DPO-like step of the fused engine: a reference is scored, the actor runs forward, backward and is updated.
//!
//! `cargo bench -p collimate-runtime --bench step [-- tiny|small] [pairs] [group] [apart] [recompute] [bf16] [steps=6]`, where `group` takes eight
//! responses of 64 tokens to a prompt of 512 for each pair, and `apart` reads a prompt again for each response.
//!
//! Times are those that all threads spent, which other programs on the machine disturb less than the clock's (run with
//! `RAYON_NUM_THREADS=1`: threads that wait also spend).

mod workload;

mod clock;

use clock::cpu_seconds;
use collimate_runtime::{
    model::{Engine, FusedEngine, FusedOptions, Parameters, Weights},
    random::Random,
    sample::{Sampling, generate},
    train::{AdamW, Update, length},
};
use dfdx::prelude::{Backward, MeanTo, PutTape};
use std::sync::Arc;
use workload::{config, groups, pairs, text};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let is = |word: &str| args.iter().any(|arg| arg == word);
    let name = if is("small") { "0.1b" } else { "tiny" };
    let given = args.iter().find_map(|arg| arg.parse().ok());
    let count = given.unwrap_or(if name == "tiny" { 8 } else { 2 });
    let steps = args.iter().find_map(|arg| arg.strip_prefix("steps=")?.parse().ok()).unwrap_or(6);
    let (share_prompts, recompute, halves) = (!is("apart"), is("recompute"), is("bf16"));
    let options = FusedOptions { share_prompts, recompute, halves, ..FusedOptions::default() };
    let weights = Weights::random(config(name).expect("both names are of shapes"), 0);
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
        let update = Update { lr: 1e-4, weight_decay: 0.0, scale: 1.0 };
        parameters.change(|weights| optimizer.update(weights, &gradient, update));
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
        let prompts: Vec<Vec<u32>> = (0..at_once).map(|_| text(64, &mut random)).collect();
        let start = cpu_seconds();
        generate(&weights, &prompts, &Sampling::default(), |_| {}).expect("prompts the model can read");
        println!("generate {at_once} at once: {:.0} tokens/s", 64.0 * at_once as f64 / (cpu_seconds() - start));
    }
}

/// The most memory this process has held, in MB, where the system says.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}

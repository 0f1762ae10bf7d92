//! Time and memory of a DPO-shaped step of the fused engine on a GPU: a reference is scored, the actor runs forward,
//! backward and is updated, all in bf16 with f32 master weights.
//!
//! `gpu_step [0.1b|0.5b|1b] [pairs] [steps=8] [recompute] [write=FILE]`; `write` leaves the tokens of all steps for the same in
//! PyTorch. The last line is a JSON object.

use collimate_kernels::cuda::{
    Device, Element, Stream,
    matrix::{Matrix, Write, multiply},
};
use collimate_runtime::{
    Cpu,
    model::{Engine, FusedOptions, GpuEngine, ModelConfig, Parameters, Sequences, TrainsInPlace, Weights},
    random::Random,
    train::{AdamW, Update},
};
use dfdx::prelude::{Backward, MeanTo, PutTape};
use serde_json::json;
use std::{sync::Arc, time::Instant};

/// Shapes of SmolLM2-135M, Qwen2.5-0.5B and Llama-3.2-1B, with random weights.
fn config(name: &str) -> ModelConfig {
    let (sizes, layers, heads, vocab_size) = match name {
        "0.1b" => ([576, 1536], 30, [9, 3, 64], 49_152),
        "0.5b" => ([896, 4864], 24, [14, 2, 64], 151_936),
        "1b" => ([2048, 8192], 16, [32, 8, 64], 128_256),
        other => panic!("no case is called {other}: give 0.1b, 0.5b or 1b"),
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

/// Prompts and pairs of answers, of 64 to 192 tokens each.
fn pairs(count: usize, random: &mut Random) -> Sequences {
    let mut text = || -> Vec<u32> { (0..64 + random.below(129)).map(|_| random.below(4096) as u32).collect() };
    let mut batch = Sequences::default();
    for _ in 0..count {
        let prompt = text();
        (0..2).for_each(|_| batch.push(&prompt, &text()));
    }
    batch
}

/// Operations a second of a large product in bf16.
fn product_rate(stream: &Stream) -> f64 {
    const SIDE: usize = 8192;
    let [a, b] = [0, 1].map(|_| stream.zeros(Element::Bf16, SIDE * SIDE));
    let mut c = stream.numbers(Element::Bf16, SIDE * SIDE);
    let mut product = || {
        let [a, b] = [&a, &b].map(|numbers| Matrix::new(numbers.view(), SIDE, SIDE));
        multiply(stream, &mut c.view_mut(), Write::Set, a, b.transposed());
    };
    product();
    wait(stream);
    let start = Instant::now();
    (0..10).for_each(|_| product());
    wait(stream);
    10.0 * 2.0 * (SIDE as f64).powi(3) / start.elapsed().as_secs_f64()
}

/// Until the GPU is through with everything.
fn wait(stream: &Stream) {
    drop(stream.download(stream.zeros(Element::F32, 1).view()));
    stream.check().expect("the GPU does what it is asked");
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| args.iter().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='));
    let name = args.iter().find(|arg| arg.ends_with('b')).map_or("0.5b", String::as_str);
    let count = args.iter().find_map(|arg| arg.parse().ok()).unwrap_or(16);
    let steps: usize = value("steps").map_or(8, |steps| steps.parse().expect("steps is a number"));
    let options = FusedOptions { recompute: args.iter().any(|arg| arg == "recompute"), ..FusedOptions::default() };
    let mut random = Random::new(1);
    let batches: Vec<Sequences> = (0..steps).map(|_| pairs(count, &mut random)).collect();
    if let Some(path) = value("write") {
        let spans = |batch: &Sequences| -> serde_json::Value {
            let of = |span: &collimate_runtime::model::Span| {
                let tokens = &batch.tokens[span.range.clone()];
                json!({"tokens": tokens, "scored": span.scored.start - span.range.start})
            };
            batch.spans.iter().map(of).collect()
        };
        let all: Vec<_> = batches.iter().map(spans).collect();
        std::fs::write(path, json!(all).to_string()).expect("the file can be written");
    }

    let device = Device::new(0).unwrap_or_else(|problem| {
        eprintln!("gpu_step: {problem}");
        std::process::exit(2);
    });
    let stream = Stream::new(device);
    let rate = product_rate(&stream);
    let weights = Weights::random(config(name), 0);
    let parameters = weights.data.len();
    println!("{name}: {:.0} M parameters, {count} pairs a step, {options:?}", parameters as f64 * 1e-6);
    println!("a product of 8192 x 8192 x 8192 in bf16: {:.0} TFLOP/s", rate * 1e-12);
    let engine = |parameters: &Arc<Parameters>| {
        let made = GpuEngine::new(Arc::clone(parameters), Cpu::default(), stream.clone(), Element::Bf16, options);
        made.expect("the GPU has room for the weights").training_in_place()
    };
    let reference = engine(&Arc::new(Parameters::frozen(weights.clone())));
    let trained = Arc::new(Parameters::new(weights));
    let actor = engine(&trained);
    let mut optimizer = AdamW::new(parameters);
    let (mut seconds, mut tokens) = (Vec::new(), Vec::new());
    for (step, batch) in batches.iter().enumerate() {
        let start = Instant::now();
        Engine::<Cpu>::score(&reference, batch).expect("a batch the model can read");
        let live = Engine::<Cpu>::forward(&actor, batch).expect("a batch the model can read");
        let gradients = live.logp.put_tape(live.tape).mean().backward();
        actor.collect(&gradients).expect("the GPU does what it is asked");
        let length = actor.gradient_length().expect("the GPU does what it is asked");
        assert!(length.is_finite() && length > 0.0, "a gradient of length {length}");
        let update = Update { lr: 1e-5, weight_decay: 0.0, scale: 1.0 };
        actor.update(&mut optimizer, update).expect("the GPU does what it is asked");
        wait(&stream);
        let took = start.elapsed().as_secs_f64();
        println!("step {step}: {:.1} ms, {:.0} tokens/s", 1e3 * took, batch.tokens.len() as f64 / took);
        // The first two compile kernels and fill the driver's pools.
        if step >= 2 {
            seconds.push(took);
            tokens.push(batch.tokens.len() as f64);
        }
    }
    let (total, all): (f64, f64) = (seconds.iter().sum(), tokens.iter().sum());
    // Two operations for each weight and token forward, twice that backward, and the reference's forward pass: for every
    // token of a batch that is laid out without sharing, since that is what the loss is defined on.
    let operations = 8.0 * parameters as f64 * all;
    let (_, most) = stream.memory();
    let result = json!({
        "model": name, "parameters": parameters, "pairs": count, "step_ms": 1e3 * total / seconds.len() as f64,
        "tokens_per_second": all / total, "product_tflops": rate * 1e-12,
        "model_flop_utilisation": operations / total / rate, "peak_gb": most as f64 * 1e-9,
    });
    println!("{result}");
}

//! Time and memory of a DPO step of the fused engine on a GPU: a frozen reference is scored, the actor runs forward and
//! backward, its gradient is clipped and AdamW updates it, all in bf16 with f32 sums, gradients and master weights.
//!
//! `gpu_step [0.1b|0.5b|1b] [pairs=16] [steps=8] [recompute] [apart] [same] [stepwise] [write=FOLDER]`; `apart` reads a
//! prompt again for each answer, `same` takes the first batch at every step, so that passes come again, `stepwise` replays none of
//! them, and `write` leaves the model and the tokens of all steps for `torch_step.py`. The last line is a JSON object.

#[path = "../../../runtime/benches/workload/mod.rs"]
mod workload;

use collimate_kernels::cuda::{
    Device, Element, Stream,
    matrix::{Matrix, Write, multiply},
};
use collimate_runtime::{
    Cpu, Error, Result,
    model::{Engine, FusedOptions, GpuEngine, Parameters, Precision, Weights},
    random::Random,
};
use collimate_tests::dpo_step::{Plan, Stepper, operations, tokens};
use serde_json::json;
use std::{path::Path, sync::Arc, time::Instant};

/// Steps that are not timed: they compile kernels and fill the driver's pools.
const WARM: usize = 2;

/// What was asked for.
struct Arguments {
    name: String,
    pairs: usize,
    steps: usize,
    options: FusedOptions,
    same: bool,
    write: Option<String>,
}

fn arguments() -> Result<Arguments> {
    let (name, options) = ("0.5b".to_owned(), FusedOptions::default());
    let mut found = Arguments { name, pairs: 16, steps: 8, options, same: false, write: None };
    for argument in std::env::args().skip(1) {
        let number = |text: &str| text.parse().ok().filter(|&n| n > 0);
        let known = match argument.split_once('=') {
            Some(("pairs", text)) => number(text).map(|n| found.pairs = n),
            Some(("steps", text)) => number(text).filter(|&n| n > WARM).map(|n| found.steps = n),
            Some(("write", folder)) => set(&mut found.write, Some(folder.to_owned())),
            None if argument == "recompute" => set(&mut found.options.recompute, true),
            None if argument == "same" => set(&mut found.same, true),
            None if argument == "stepwise" => set(&mut found.options.replay, false),
            None if argument == "apart" => set(&mut found.options.share_prompts, false),
            None if workload::NAMES.contains(&argument.as_str()) => set(&mut found.name, argument.clone()),
            _ => None,
        };
        known.ok_or_else(|| {
            let names = workload::NAMES.join("|");
            Error::Setting(format!(
                "{argument}: give {names}, pairs=N, steps=N (more than {WARM}), recompute, apart, same, stepwise or write=FOLDER"
            ))
        })?;
    }
    Ok(found)
}

/// It was known.
fn set<T>(place: &mut T, value: T) -> Option<()> {
    *place = value;
    Some(())
}

/// Operations a second of a large product in bf16, of numbers as models have them: a GPU multiplies zeros faster.
fn product_rate(stream: &Stream, weights: &[f32]) -> Result<f64> {
    const SIDE: usize = 8192;
    const TIMES: usize = 20;
    let some: Vec<f32> = weights.iter().copied().cycle().take(SIDE * SIDE).collect();
    let [a, b] = [0, 1].map(|_| stream.upload(Element::Bf16, &some));
    let mut c = stream.numbers(Element::Bf16, SIDE * SIDE);
    let mut product = || {
        let [a, b] = [&a, &b].map(|numbers| Matrix::new(numbers.view(), SIDE, SIDE));
        multiply(stream, &mut c.view_mut(), Write::Set, a, b.transposed());
    };
    // Until its clock is as fast as it stays.
    (0..TIMES).for_each(|_| product());
    wait(stream)?;
    let start = Instant::now();
    (0..TIMES).for_each(|_| product());
    wait(stream)?;
    Ok(TIMES as f64 * 2.0 * (SIDE as f64).powi(3) / start.elapsed().as_secs_f64())
}

/// Until the GPU is through with everything.
fn wait(stream: &Stream) -> Result<()> {
    drop(stream.download(stream.zeros(Element::F32, 1).view()));
    stream.check().map_err(|problem| Error::Setting(format!("the GPU: {problem}")))
}

fn measure() -> Result<()> {
    let Arguments { name, pairs, steps, options, same, write } = arguments()?;
    let mut random = Random::new(1);
    let mut steps: Vec<Vec<_>> =
        (0..steps).map(|_| (0..pairs).map(|_| workload::pair(&mut random)).collect()).collect();
    if same {
        let first = steps[0].clone();
        steps.fill(first);
    }
    let plan = Plan { beta: 0.1, lr: 1e-5, max_grad_norm: 1.0, steps };
    let stream = Stream::new(Device::new(0).map_err(Error::Setting)?);
    let config = workload::config(&name).expect("the name is one of those with a shape");
    // As a model in bf16 has them, so that PyTorch reads the very same.
    let mut weights = Weights::random(config.clone(), 0);
    weights.data.iter_mut().for_each(|w| *w = f32::from_bits(w.to_bits() & 0xffff_0000));
    if let Some(folder) = write {
        weights.save(&Path::new(&folder).join("model"), Precision::BF16)?;
        let path = Path::new(&folder).join("data.json");
        std::fs::write(&path, plan.to_json().to_string()).map_err(|error| Error::file(&path, error))?;
    }
    let rate = product_rate(&stream, &weights.data)?;
    let parameters = weights.data.len();
    println!("{name}: {:.0} M parameters, {pairs} pairs a step, {options:?}", parameters as f64 * 1e-6);
    println!("a product of 8192 x 8192 x 8192 in bf16: {:.0} TFLOP/s", rate * 1e-12);
    let engine = |parameters: &Arc<Parameters>| -> Result<Box<dyn Engine<Cpu>>> {
        let made = GpuEngine::new(Arc::clone(parameters), Cpu::default(), stream.clone(), Element::Bf16, options)?;
        Ok(Box::new(made.training_in_place()))
    };
    let reference = engine(&Arc::new(Parameters::frozen(weights.clone())))?;
    let trained = Arc::new(Parameters::new(weights));
    let mut stepper = Stepper::new(&plan, reference, engine(&trained)?, trained);
    let (mut losses, mut seconds, mut read, mut usual, mut needed) = (Vec::new(), 0.0, 0.0, 0.0, 0.0);
    for (step, pairs) in plan.steps.iter().enumerate() {
        if step == WARM {
            let _ = stream.memory();
        }
        let start = Instant::now();
        let (loss, length) = stepper.step(pairs)?;
        wait(&stream)?;
        let took = start.elapsed().as_secs_f64();
        println!(
            "step {step}: loss {loss:.5}, gradient {length:.3}, {:.1} ms, {:.0} tokens/s",
            1e3 * took,
            tokens(pairs) as f64 / took
        );
        losses.push(loss);
        if step >= WARM {
            let (as_usual, at_least) = operations(&config, parameters, pairs);
            seconds += took;
            read += tokens(pairs) as f64;
            usual += as_usual;
            needed += at_least;
        }
    }
    let (_, most) = stream.memory();
    let result = json!({
        "model": name, "parameters": parameters, "pairs": pairs, "first_loss": losses.first(), "last_loss": losses.last(),
        "step_ms": 1e3 * seconds / (plan.steps.len() - WARM) as f64, "tokens_per_second": read / seconds,
        "product_tflops": rate * 1e-12, "model_flop_utilisation": usual / seconds / rate,
        "needed_flop_utilisation": needed / seconds / rate, "peak_gb": most as f64 * 1e-9,
    });
    println!("{result}");
    Ok(())
}

fn main() {
    if let Err(problem) = measure() {
        eprintln!("gpu_step: {problem}");
        std::process::exit(2);
    }
}

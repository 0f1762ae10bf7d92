//! The step that `gpu/run` times: its numbers are those of the same step in PyTorch, on every engine.

use collimate_emulation::{Order, machine};
use collimate_kernels::cuda::Element;
use collimate_runtime::Cpu;
use collimate_runtime::model::{Engine, FusedEngine, FusedOptions, GpuEngine, ModelConfig, Parameters, Weights};
use collimate_tests::dpo_step::{Plan, Stepper, operations, tokens};
use collimate_tests::golden_folder;
use serde_json::Value;
use std::sync::Arc;

fn golden() -> (Plan, Weights, [Vec<f64>; 2]) {
    let folder = golden_folder();
    let text = std::fs::read_to_string(folder.join("dpo_step.json")).unwrap();
    let golden: Value = serde_json::from_str(&text).unwrap();
    let numbers = |name: &str| golden[name].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    let plan = Plan::from_json(&golden["plan"]).unwrap();
    assert_eq!(plan.to_json(), golden["plan"], "the file for PyTorch is the one it was given");
    (plan, Weights::load(&folder.join("llama/tied")).unwrap(), ["losses", "lengths"].map(numbers))
}

fn gpu(parameters: &Arc<Parameters>, element: Element) -> Box<dyn Engine<Cpu>> {
    let (stream, options) = (machine(Order::Shuffled(9)), FusedOptions::default());
    let engine = GpuEngine::new(Arc::clone(parameters), Cpu::default(), stream, element, options).unwrap();
    Box::new(engine.training_in_place())
}

fn cpu(parameters: &Arc<Parameters>) -> Box<dyn Engine<Cpu>> {
    Box::new(FusedEngine::new(Arc::clone(parameters)))
}

fn cpu_in_halves(parameters: &Arc<Parameters>) -> Box<dyn Engine<Cpu>> {
    let options = FusedOptions { halves: true, ..FusedOptions::default() };
    Box::new(FusedEngine::with(Arc::clone(parameters), options))
}

#[test]
fn the_timed_steps_are_those_of_pytorch() {
    let (plan, weights, [losses, lengths]) = golden();
    assert!(losses.windows(2).all(|pair| (pair[0] - pair[1]).abs() > 1e-3), "the steps change the loss");
    type Make = fn(&Arc<Parameters>) -> Box<dyn Engine<Cpu>>;
    let in_f32: Make = |parameters| gpu(parameters, Element::F32);
    let in_bf16: Make = |parameters| gpu(parameters, Element::Bf16);
    // Adam's first updates are all but signs, and rounding to bf16 turns those of small gradients.
    let exact = [1e-4, 1e-3];
    let (rounded, coarse) = (cpu_in_halves as Make, [0.15, 0.3]);
    for (name, make, [near, share]) in [
        ("cpu", cpu as Make, exact),
        ("cpu, bf16", rounded, coarse),
        ("gpu", in_f32, exact),
        ("gpu, bf16", in_bf16, coarse),
    ] {
        let reference = make(&Arc::new(Parameters::frozen(weights.clone())));
        let parameters = Arc::new(Parameters::new(weights.clone()));
        let mut stepper = Stepper::new(&plan, reference, make(&parameters), Arc::clone(&parameters));
        for (step, pairs) in plan.steps.iter().enumerate() {
            let (loss, length) = stepper.step(pairs).unwrap();
            println!("{name}, step {step}: loss {loss}, where {} is right", losses[step]);
            assert!((loss - losses[step]).abs() < near, "{name}, step {step}: {loss} {}", losses[step]);
            let off = (length - lengths[step]).abs() / lengths[step];
            assert!(off < share, "{name}, step {step}: a gradient of {length}, not {}", lengths[step]);
        }
    }
}

#[test]
fn operations_are_counted_as_they_are_done() {
    let config = ModelConfig {
        family: Default::default(),
        vocab_size: 7,
        hidden_size: 4,
        intermediate_size: 6,
        num_hidden_layers: 3,
        num_attention_heads: 2,
        num_key_value_heads: 1,
        head_dim: 2,
        max_position_embeddings: 64,
        rms_norm_eps: 1e-5,
        rope_theta: 1e4,
        rope_scaling: Default::default(),
        tie_word_embeddings: true,
    };
    let pairs = [[vec![1; 3], vec![2; 2], vec![3; 4]]];
    assert_eq!(tokens(&pairs), 12);
    let (usual, needed) = operations(&config, 1000, &pairs);
    assert_eq!(usual, 8.0 * 1000.0 * 12.0);
    // Row by row: 3 of the prompt, 1 and 3 of the answers, with the keys that each sees.
    let keys = [1, 2, 3, 4, 4, 5, 6];
    let projections = 4 * 4 + 2 * 4 * 2 + 4 * 4 + 3 * 4 * 6;
    let layer: usize = keys.iter().map(|seen| 2 * projections + 2 * 2 * 4 * seen).sum();
    assert_eq!(needed, 4.0 * (3 * layer + 6 * 2 * 7 * 4) as f64);
}

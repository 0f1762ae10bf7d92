//! The engines against transformers, and against each other; the GPU is an emulated one, or the one that
//! COLLIMATE_GPU names.

use collimate_dsl::eval::{Inputs, Settings};
use collimate_dsl::ir::SideTag;
use collimate_dsl::{Layout, Reach};
use collimate_emulation::{Order, machine};
use collimate_kernels::cuda::Element;
use collimate_runtime::model::{
    Engine, Family, FusedEngine, FusedOptions, GpuEngine, GpuSampler, GraphEngine, Parameters, Sequences, Weights,
};
use collimate_runtime::sample::{BuiltIn, Sampler, Sampling};
use collimate_runtime::{Cpu, compile};
use collimate_tests::{assets, golden_folder};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;

const CASES: [&str; 8] = ["grouped", "tied", "sharded", "llama3", "biased", "mistral", "qwen2", "qwen3"];
const SIDES: [(SideTag, &str); 2] = [(SideTag::Chosen, "chosen"), (SideTag::Rejected, "rejected")];

/// A folder that transformers wrote, and what it makes of it.
struct Case {
    weights: Weights,
    batch: Sequences,
    layout: Layout,
    /// The reference's log-probabilities.
    inputs: Inputs,
    settings: Settings,
    logp: Vec<f64>,
    loss: f64,
    /// What follows the second pair's context, always the likeliest word.
    continued: Vec<u32>,
    /// Laid out like the weights.
    gradient: Weights,
}

impl Case {
    fn read(name: &str) -> Self {
        let folder = golden_folder().join("llama").join(name);
        let read = |file: &str| std::fs::read(folder.join(file)).unwrap();
        let expected: Value = serde_json::from_slice(&read("expected.json")).unwrap();
        let pairs = expected["pairs"].as_array().unwrap();
        let (mut batch, mut inputs, mut logp) = (Sequences::default(), Inputs::new(), Vec::new());
        let mut layout = Layout { prompts: pairs.len(), sides: Vec::new(), words: 0 };
        for (side, field) in SIDES {
            let (mut reaches, mut reference) = (Vec::new(), Vec::new());
            for (prompt, pair) in pairs.iter().enumerate() {
                let scored = ids(&pair[field]["tokens"]);
                batch.push(&ids(&pair["context"]), &scored);
                reaches.push(Reach { prompt, tokens: scored.len() });
                logp.extend(numbers(&pair[field]["logp"]));
                reference.extend(numbers(&pair[field]["reference"]));
            }
            layout.sides.push((side, reaches));
            inputs.insert("reference", "logp", Some(side), reference);
        }
        let beta = expected["beta"].as_f64().unwrap();
        Case {
            weights: Weights::load(&folder).unwrap(),
            batch,
            layout,
            inputs,
            settings: [("beta".to_owned(), beta), ("label_smoothing".to_owned(), 0.0)].into(),
            logp,
            loss: expected["loss"].as_f64().unwrap(),
            continued: ids(&expected["continued"]),
            gradient: Weights::from_bytes(name, &read("config.json"), &read("gradient.safetensors")).unwrap(),
        }
    }

    /// Loss and gradient of DPO through an engine made on the weights.
    fn learn(&self, engine: impl FnOnce(Arc<Parameters>) -> Box<dyn Engine<Cpu>>) -> (f64, Vec<f32>) {
        let parameters = Arc::new(Parameters::new(self.weights.clone()));
        let engine = engine(Arc::clone(&parameters));
        let program = (collimate::dpo::DPO.trace)();
        let (live, totals) = (engine.forward(&self.batch).unwrap(), self.layout.totals());
        let step = compile::step(&Cpu::default(), &program, &self.layout, &totals, &self.inputs, &self.settings, live);
        let (outcome, gradients) = step.unwrap();
        engine.collect(&gradients).unwrap();
        drop(engine);
        (outcome.loss, Arc::into_inner(parameters).unwrap().gradient.into_inner().unwrap())
    }
}

fn ids(list: &Value) -> Vec<u32> {
    list.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn graph(parameters: Arc<Parameters>) -> Box<dyn Engine<Cpu>> {
    Box::new(GraphEngine::new(parameters, Cpu::default()))
}

fn fused(parameters: Arc<Parameters>) -> Box<dyn Engine<Cpu>> {
    Box::new(FusedEngine::new(parameters))
}

fn gpu(parameters: Arc<Parameters>) -> Box<dyn Engine<Cpu>> {
    let stream = machine(Order::Reverse);
    let options = FusedOptions::default();
    Box::new(GpuEngine::new(parameters, Cpu::default(), stream, Element::F32, options).unwrap())
}

/// The largest difference.
fn apart(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    found.iter().zip(expected).map(|(f, e)| (f64::from(*f) - e).abs()).fold(0.0, f64::max)
}

/// For each tensor, the largest difference in parts of its largest number; the worst of all.
#[track_caller]
fn gradients_agree(what: &str, layout: &Weights, found: &[f32], expected: &[f32], tolerance: f64) -> f64 {
    let mut worst = 0.0_f64;
    for spec in &layout.tensors {
        let expected: Vec<f64> = expected[spec.range.clone()].iter().copied().map(f64::from).collect();
        let largest = expected.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
        let difference = apart(&found[spec.range.clone()], &expected) / largest;
        assert!(difference <= tolerance, "{what}: the gradient by {} is {difference} apart", spec.name);
        worst = worst.max(difference);
    }
    worst
}

#[test]
fn the_engines_give_the_log_probabilities_of_transformers() {
    for name in CASES {
        let case = Case::read(name);
        for (engine, make) in [("graph", graph as fn(_) -> _), ("fused", fused), ("gpu", gpu)] {
            let engine_made = make(Arc::new(Parameters::frozen(case.weights.clone())));
            let difference = apart(&engine_made.score(&case.batch).unwrap(), &case.logp);
            println!("{name}, {engine}: log-probabilities {difference:.1e} apart");
            assert!(difference <= 2e-4, "{name}, {engine}: log-probabilities {difference} apart");
        }
    }
}

#[test]
fn the_engines_learn_dpo_with_the_gradient_of_transformers() {
    for name in CASES {
        let case = Case::read(name);
        let mut gradients = Vec::new();
        for (engine, make) in [("graph", graph as fn(_) -> _), ("fused", fused), ("gpu", gpu)] {
            let (loss, gradient) = case.learn(make);
            assert!((loss - case.loss).abs() <= 1e-5, "{name}, {engine}: loss {loss}, expected {}", case.loss);
            let what = format!("{name}, {engine}");
            let worst = gradients_agree(&what, &case.gradient, &gradient, &case.gradient.data, 1e-3);
            println!("{what}: gradient {worst:.1e} apart");
            gradients.push(gradient);
        }
        for other in &gradients[1..] {
            let worst = gradients_agree(name, &case.gradient, other, &gradients[0], 1e-4);
            println!("{name}: the engines' gradients are {worst:.1e} apart");
        }
    }
}

/// Every way to set the switches of the fused engine.
fn switches() -> impl Iterator<Item = FusedOptions> {
    (0..16).map(|bits| {
        let [share_prompts, recompute, halves, replay] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
        FusedOptions { share_prompts, recompute, halves, replay, ..FusedOptions::default() }
    })
}

/// What `make` gives for a case, held to transformers.
fn hold_to_transformers(case: &Case, what: &str, halves: bool, make: &dyn Fn(Arc<Parameters>) -> Box<dyn Engine<Cpu>>) {
    // transformers in bf16 is up to 0.30, 0.03 and 0.27 apart from itself in f32 on these models, and up to 0.50, 0.03 and 0.78 on
    // the one with vectors after all projections.
    let [of_logp, of_loss, of_gradient] = match (halves, case.weights.config.family) {
        (false, _) => [2e-4, 1e-5, 1e-3],
        (true, Family::Llama { mlp_bias: true, .. }) => [0.5, 0.03, 0.75],
        (true, _) => [0.3, 0.03, 0.3],
    };
    let frozen = make(Arc::new(Parameters::frozen(case.weights.clone())));
    let difference = apart(&frozen.score(&case.batch).unwrap(), &case.logp);
    assert!(difference <= of_logp, "{what}: log-probabilities {difference} apart");
    let (loss, gradient) = case.learn(make);
    assert!((loss - case.loss).abs() <= of_loss, "{what}: loss {loss}, expected {}", case.loss);
    let worst = gradients_agree(what, &case.gradient, &gradient, &case.gradient.data, of_gradient);
    println!("{what}: log-probabilities {difference:.1e}, gradient {worst:.1e} apart");
}

#[test]
fn every_switch_on_and_off_gives_the_numbers_of_transformers() {
    for name in CASES {
        let case = Case::read(name);
        for options in switches().filter(|options| options.replay) {
            let make = |parameters| Box::new(FusedEngine::with(parameters, options)) as _;
            hold_to_transformers(&case, &format!("{name}, {options:?}"), options.halves, &make);
        }
    }
}

#[test]
fn every_switch_on_and_off_gives_the_numbers_of_transformers_on_a_gpu() {
    // One with the head's table of its own, one that shares it, and those that have weights of a kind that no other has.
    for name in ["grouped", "tied", "biased", "qwen3"] {
        let case = Case::read(name);
        for options in switches() {
            let element = if options.halves { Element::Bf16 } else { Element::F32 };
            let make = |parameters| {
                let stream = machine(Order::Reverse);
                Box::new(GpuEngine::new(parameters, Cpu::default(), stream, element, options).unwrap()) as _
            };
            hold_to_transformers(&case, &format!("{name}, {options:?}"), options.halves, &make);
        }
    }
}

#[test]
fn the_likeliest_words_are_those_that_transformers_generates() {
    for name in CASES {
        let case = Case::read(name);
        let settings = Sampling { temperature: 0.0, max_new_tokens: 16, ..Sampling::default() };
        let made = |sampler: &mut dyn Sampler| {
            let prompt = case.batch.tokens[case.batch.spans[1].range.start..case.batch.spans[1].scored.start].to_vec();
            sampler.draw(&case.weights, &[prompt], &settings).unwrap().remove(0).remove(0).tokens
        };
        assert_eq!(made(&mut BuiltIn), case.continued, "{name}");
        assert_eq!(
            made(&mut GpuSampler::new(machine(Order::Reverse), Element::F32)),
            case.continued,
            "{name} on a GPU"
        );
    }
}

#[test]
fn no_sequence_is_longer_than_a_sliding_window() {
    let case = Case::read("mistral");
    let mut batch = Sequences::default();
    batch.push(&[1; 20], &[2; 20]);
    let mut long = Sequences::default();
    long.push(&[1; 20], &[2; 21]);
    for make in [graph as fn(_) -> Box<dyn Engine<Cpu>>, fused, gpu] {
        let engine = make(Arc::new(Parameters::frozen(case.weights.clone())));
        assert_eq!(engine.score(&batch).unwrap().len(), 20);
        let message = engine.score(&long).unwrap_err().to_string();
        let expected = "a sequence of 41 tokens is longer than the model's sliding window of 40 tokens, beyond which Collimate cannot run it";
        assert!(message.starts_with(expected), "{message}");
    }
    let settings = Sampling { max_new_tokens: 64, ..Sampling::default() };
    let made = BuiltIn.draw(&case.weights, &[vec![1; 30]], &settings).unwrap();
    assert_eq!(made[0][0].tokens.len(), 10, "what is generated ends where the window does");
    let message = BuiltIn.draw(&case.weights, &[vec![1; 40]], &settings).unwrap_err().to_string();
    assert!(message.contains("leaves no room for an answer in the model's sliding window of 40 tokens"), "{message}");
}

#[test]
fn a_real_model_gives_the_log_probabilities_of_its_golden_file() {
    let Some(assets) = assets("a_real_model_gives_the_log_probabilities_of_its_golden_file") else { return };
    let folder: PathBuf = assets.join("weights/stories260K-hf");
    let golden: Value = serde_json::from_slice(&std::fs::read(folder.join("golden.json")).unwrap()).unwrap();
    let weights = Weights::load(&folder).unwrap();
    let (mut batch, mut expected) = (Sequences::default(), Vec::new());
    for case in golden["cases"].as_array().unwrap() {
        let ids = ids(&case["input_ids"]);
        batch.push(&ids[..1], &ids[1..]);
        expected.extend(numbers(&case["token_logprobs"]));
    }
    let parameters = Arc::new(Parameters::frozen(weights));
    let scores = [("graph", graph as fn(_) -> Box<dyn Engine<Cpu>>), ("fused", fused)].map(|(name, make)| {
        let scores = make(Arc::clone(&parameters)).score(&batch).unwrap();
        let difference = apart(&scores, &expected);
        println!("{name}: log-probabilities {difference:.1e} apart");
        assert!(difference <= 2e-4, "{name}: log-probabilities {difference} apart");
        scores
    });
    let other: Vec<f64> = scores[1].iter().copied().map(f64::from).collect();
    assert!(apart(&scores[0], &other) <= 1e-4);
}

#[test]
fn a_batch_the_model_cannot_read_is_refused_by_both_engines() {
    let case = Case::read("grouped");
    let mut foreign = Sequences::default();
    foreign.push(&[1], &[32]);
    let mut long = Sequences::default();
    long.push(&[1; 60], &[2; 5]);
    for make in [graph as fn(_) -> Box<dyn Engine<Cpu>>, fused] {
        let engine = make(Arc::new(Parameters::new(case.weights.clone())));
        let message = engine.score(&foreign).unwrap_err().to_string();
        let expected = "token 32 is outside the model's vocabulary of 32: use the tokenizer the model was made with";
        assert_eq!(message, expected);
        let message = engine.score(&long).unwrap_err().to_string();
        assert!(message.starts_with("a sequence of 65 tokens is longer than the model's 64 positions"), "{message}");
        assert!(engine.score(&Sequences::default()).unwrap().is_empty());
        let frozen = make(Arc::new(Parameters::frozen(case.weights.clone())));
        assert!(frozen.forward(&case.batch).is_err_and(|error| error.to_string().contains("frozen")));
    }
}

#[test]
fn two_passes_before_their_gradients_are_collected_add_up() {
    let case = Case::read("tied");
    let (_, once) = case.learn(graph);
    let parameters = Arc::new(Parameters::new(case.weights.clone()));
    let engine = graph(Arc::clone(&parameters));
    let program = (collimate::dpo::DPO.trace)();
    let totals = case.layout.totals();
    let passes = [engine.forward(&case.batch).unwrap(), engine.forward(&case.batch).unwrap()];
    for live in passes {
        let step = compile::step(&Cpu::default(), &program, &case.layout, &totals, &case.inputs, &case.settings, live);
        engine.collect(&step.unwrap().1).unwrap();
    }
    let twice = parameters.gradient.lock().unwrap();
    assert!(once.iter().zip(twice.iter()).all(|(one, two)| 2.0 * one == *two));
}

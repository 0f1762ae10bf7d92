//! What an algorithm computes of all words is found word by word, and needs no matrix of tokens and words.

use collimate::{ALL, Algorithm};
use collimate_dsl::eval::{Inputs, Settings};
use collimate_dsl::ir::Depth;
use collimate_dsl::{Layout, Reach};
use collimate_emulation::{Order, machine};
use collimate_kernels::cuda::Element;
use collimate_runtime::Cpu;
use collimate_runtime::compile::{Source, Words, cut, step_by_words};
use collimate_runtime::model::{Engine, FusedEngine, FusedOptions, GpuEngine, Parameters, Sequences, Weights};
use collimate_runtime::train::resolve;
use collimate_tests::golden_folder;
use std::sync::Arc;

#[test]
fn every_algorithm_that_reads_all_words_is_cut() {
    let reads = |a: &&&collimate_dsl::Algorithm| (a.trace)().nodes.iter().any(|n| n.ty.depth == Depth::EachWord);
    let found: Vec<_> = ALL.iter().filter(reads).collect();
    for algorithm in &found {
        let cut = cut(&(algorithm.trace)()).unwrap_or_else(|why| panic!("{}: {why}", algorithm.name));
        assert!(!cut.passes.is_empty(), "{}", algorithm.name);
        // None needs what it has summed among the words again.
        assert!(cut.passes.iter().all(|pass| pass.level == 0), "{}", algorithm.name);
    }
    assert!(found.len() >= 6, "{}", found.len());
}

/// Loss, and gradient of every weight, of a step in which a model learns from another, on engines of one machine.
fn learn(make: &dyn Fn(Arc<Parameters>) -> Box<dyn Engine<Cpu>>, algorithm: &Algorithm) -> (f64, Vec<f32>) {
    let (program, folder) = ((algorithm.trace)(), golden_folder().join("llama"));
    let weights = |name: &str| Weights::load(&folder.join(name)).unwrap();
    let parameters = Arc::new(Parameters::new(weights("tied")));
    let (actor, teacher) = (make(Arc::clone(&parameters)), make(Arc::new(Parameters::frozen(weights("grouped")))));
    let mut batch = Sequences::default();
    batch.push(&[1, 5, 9], &[7, 3, 12, 2]);
    batch.push(&[1, 5, 9], &[4, 2]);
    batch.push(&[1, 8], &[11, 6, 30, 22, 2]);
    let side = program.inputs().find_map(|(.., ty)| ty.side).unwrap();
    let tokens = [4, 2, 5].into_iter().enumerate();
    let sides = vec![(side, tokens.map(|(prompt, tokens)| Reach { prompt, tokens }).collect())];
    let words = parameters.weights.read().unwrap().config.vocab_size;
    let layout = Layout { prompts: 3, sides, words };
    let (_, theirs) = teacher.gives_states().unwrap().score_states(&batch, false).unwrap();
    let (live, own) = actor.gives_states().unwrap().forward_states(&batch, false).unwrap();
    let source = Source { live, asked: batch.scored(), shares: Vec::new() };
    let words = [("actor", own), ("teacher", Arc::new(theirs))];
    let words = words.map(|(owner, states)| Words { owner: owner.to_owned(), states }).to_vec();
    let settings = resolve(algorithm.name, &(algorithm.hyper)(), &Settings::new()).unwrap();
    let (device, totals) = (Cpu::default(), layout.totals());
    let inputs = Inputs::new();
    let step = step_by_words(&device, &program, &layout, &totals, &inputs, &settings, vec![source], words);
    let (outcome, left) = step.unwrap_or_else(|problem| panic!("{}: {problem}", algorithm.name));
    actor.collect(&left).unwrap();
    let gradient = parameters.gradient.lock().unwrap().clone();
    (outcome.loss, gradient)
}

#[test]
fn a_model_learns_from_another_on_a_gpu_as_on_the_cpu() {
    let stream = machine(Order::Shuffled(11));
    let gpu = |parameters| -> Box<dyn Engine<Cpu>> {
        let (stream, options) = (stream.clone(), FusedOptions::default());
        Box::new(GpuEngine::new(parameters, Cpu::default(), stream, Element::F32, options).unwrap())
    };
    let cpu = |parameters| -> Box<dyn Engine<Cpu>> { Box::new(FusedEngine::new(parameters)) };
    for name in ["distill_fkl", "distill_rkl", "distill_jsd", "distill_topk"] {
        let algorithm = ALL.iter().find(|a| a.name == name).unwrap_or_else(|| panic!("no {name}"));
        let ((loss, ours), (right, gradient)) = (learn(&gpu, algorithm), learn(&cpu, algorithm));
        let largest = gradient.iter().fold(0.0_f32, |most, g| most.max(g.abs()));
        assert!((loss - right).abs() < 1e-4 * right.abs() && largest > 1e-4, "{name}: {loss} {right} {largest}");
        for (i, (ours, right)) in ours.iter().zip(&gradient).enumerate() {
            assert!((ours - right).abs() < 1e-4 * largest, "{name}, weight {i}: {ours} where {right} is right");
        }
    }
}

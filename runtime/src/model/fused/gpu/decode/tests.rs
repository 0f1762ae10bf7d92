//! Responses drawn on the emulated GPU, against those of the CPU at the same seed.

use super::super::super::tests::{configs, weights};
use super::GpuSampler;
use crate::model::{Engine, FusedOptions, GpuEngine, Parameters, Sequences};
use crate::sample::{BuiltIn, Sample, Sampler, Sampling};
use collimate_emulation::{Emulated, Order, machine};
use collimate_kernels::cuda::{Element, Stream};
use dfdx::prelude::Cpu;
use std::sync::{Arc, atomic::Ordering};

fn prompts() -> Vec<Vec<u32>> {
    vec![vec![1, 2, 3], vec![4], vec![5, 6, 7, 8, 9, 10], vec![1, 2, 3, 4, 5]]
}

fn sampling() -> Sampling {
    Sampling { samples: 3, max_new_tokens: 5, end_tokens: vec![0], seed: 5, ..Sampling::default() }
}

fn sampler(element: Element) -> GpuSampler {
    GpuSampler::new(machine(Order::Shuffled(4)), element)
}

#[test]
fn the_same_seed_gives_the_responses_of_the_cpu() {
    let settings = [
        sampling(),
        Sampling { temperature: 0.0, samples: 1, ..sampling() },
        Sampling { temperature: 0.7, top_k: 5, top_p: 0.9, at_once: 5, ..sampling() },
    ];
    let (mut ended, mut cut) = (0, 0);
    for (config, settings) in configs().into_iter().flat_map(|config| settings.clone().map(|s| (config.clone(), s))) {
        let weights = weights(config);
        let right = BuiltIn.draw(&weights, &prompts(), &settings).unwrap();
        let ours = sampler(Element::F32).draw(&weights, &prompts(), &settings).unwrap();
        assert_eq!(ours.len(), right.len());
        for (ours, right) in ours.concat().iter().zip(right.concat()) {
            assert_eq!((&ours.tokens, ours.ended), (&right.tokens, right.ended), "{settings:?}");
            assert!(ours.logp.iter().zip(&right.logp).all(|(a, b)| (a - b).abs() < 2e-5));
            *(if ours.ended { &mut ended } else { &mut cut }) += 1;
        }
    }
    assert!(ended > 3 && cut > 3, "{ended} ended, {cut} were cut");
}

#[test]
fn steps_of_as_many_sequences_are_replayed() {
    let weights = weights(configs()[0].clone());
    let settings = Sampling { samples: 2, max_new_tokens: 10, end_tokens: vec![], ..sampling() };
    let machine = Emulated::new(Order::Forward);
    let replays = machine.replays();
    let ours = GpuSampler::new(Stream::new(machine), Element::F32).draw(&weights, &prompts(), &settings).unwrap();
    // Nine steps of eight sequences: the first is new, the second is recorded, and when the table of turns grows it is new again.
    let replays = replays.load(Ordering::Relaxed);
    assert!((5..9).contains(&replays), "{replays}");
    let right = BuiltIn.draw(&weights, &prompts(), &settings).unwrap();
    let tokens = |drawn: Vec<Vec<Sample>>| drawn.concat().into_iter().map(|sample| sample.tokens).collect::<Vec<_>>();
    assert_eq!(tokens(ours), tokens(right));
}

#[test]
fn in_bf16_words_have_the_probabilities_of_scoring_them() {
    let mut weights = weights(configs()[0].clone());
    weights.data.iter_mut().filter(|w| **w < 1.0).for_each(|w| *w *= 0.3);
    let engine = {
        let (parameters, stream) = (Arc::new(Parameters::frozen(weights.clone())), machine(Order::Reverse));
        GpuEngine::new(parameters, Cpu::default(), stream, Element::Bf16, FusedOptions::default()).unwrap()
    };
    let drawn = sampler(Element::Bf16).draw(&weights, &prompts(), &sampling()).unwrap();
    for (prompt, sample) in prompts().iter().zip(&drawn).flat_map(|(p, samples)| samples.iter().map(move |s| (p, s))) {
        let mut batch = Sequences::default();
        batch.push(prompt, &sample.tokens);
        for (ours, right) in sample.logp.iter().zip(Engine::<Cpu>::score(&engine, &batch).unwrap()) {
            assert!((ours - right).abs() < 3e-2, "{ours} where scoring gives {right}");
        }
    }
}

#[test]
fn what_the_gpu_cannot_continue_is_an_error() {
    let weights = weights(configs()[0].clone());
    let problem =
        |prompt: Vec<u32>| sampler(Element::F32).draw(&weights, &[prompt], &sampling()).unwrap_err().to_string();
    assert!(problem(vec![]).contains("an empty prompt"));
    assert!(problem(vec![1, 1_000_000]).contains("outside the model's vocabulary"));
}

//! Both engines give the log-probabilities of all words, and learn from a gradient on them, alike.

use super::{Engine, FusedEngine, GraphEngine, Parameters, Sequences, Weights, reference};
use crate::bridge;
use crate::random::Random;
use crate::train::small::tiniest;
use dfdx::prelude::Cpu;
use std::sync::Arc;

const WORDS: usize = 11;

fn weights(tied: bool) -> Weights {
    let mut weights = Weights::random(tiniest(WORDS, tied), 3);
    weights.data.iter_mut().filter(|w| **w != 1.0).for_each(|w| *w *= 20.0);
    weights
}

fn batch() -> Sequences {
    let mut batch = Sequences::default();
    batch.push(&[1], &[2, 3, 4, 2]);
    batch.push(&[5, 6, 7], &[8]);
    batch.push(&[10, 10, 3, 1], &[0, 4, 10]);
    batch
}

#[test]
fn the_words_of_a_token_are_a_distribution_and_the_token_is_one_of_them() {
    for tied in [true, false] {
        let right = reference::score(&weights(tied), &batch());
        let parameters = Arc::new(Parameters::frozen(weights(tied)));
        let engines: [Box<dyn Engine<Cpu>>; 2] = [
            Box::new(FusedEngine::new(Arc::clone(&parameters))),
            Box::new(GraphEngine::new(parameters, Cpu::default())),
        ];
        for engine in engines {
            let words = engine.score_words(&batch()).unwrap();
            assert_eq!(words.len(), right.len() * WORDS);
            let batch = batch();
            let tokens = batch.spans.iter().flat_map(|span| batch.tokens[span.scored.clone()].iter());
            for ((words, token), right) in words.chunks(WORDS).zip(tokens).zip(&right) {
                let sum: f64 = words.iter().map(|x| f64::from(*x).exp()).sum();
                assert!((sum - 1.0).abs() < 1e-6, "{sum}");
                let ours = f64::from(words[*token as usize]);
                assert!((ours - right).abs() < 2e-5, "{ours} where {right} is right");
            }
            assert!(engine.forward_words(&batch).is_err(), "frozen weights are not trained");
        }
    }
}

#[test]
fn a_gradient_on_all_words_reaches_every_weight_alike() {
    for tied in [true, false] {
        let mut random = Random::new(9);
        let upstream: Vec<f32> = (0..8 * WORDS).map(|_| random.uniform() as f32 - 0.5).collect();
        let gradient = |fused: bool| {
            let parameters = Arc::new(Parameters::new(weights(tied)));
            let engine: Box<dyn Engine<Cpu>> = match fused {
                true => Box::new(FusedEngine::new(Arc::clone(&parameters))),
                false => Box::new(GraphEngine::new(Arc::clone(&parameters), Cpu::default())),
            };
            let live = engine.forward_words(&batch()).unwrap();
            assert_eq!(live.logp.as_vec(), engine.score_words(&batch()).unwrap());
            let gradients = bridge::backward_from(&Cpu::default(), live, upstream.clone()).unwrap();
            engine.collect(&gradients).unwrap();
            parameters.gradient.lock().unwrap().clone()
        };
        let (fused, graph) = (gradient(true), gradient(false));
        let largest = graph.iter().fold(0.0_f32, |most, g| most.max(g.abs()));
        assert!(largest > 0.1);
        for (i, (fused, graph)) in fused.iter().zip(&graph).enumerate() {
            assert!((fused - graph).abs() < 1e-5 * largest, "{i}: {fused} {graph}");
        }
    }
}

//! Both engines give the values of a head of labels, and learn from a gradient on them, as plain f64 loops do.

use super::{Engine, FusedEngine, FusedOptions, GraphEngine, Parameters, Sequences, ValuesAt, Weights, reference};
use crate::bridge;
use crate::random::Random;
use crate::train::small::tiniest;
use dfdx::prelude::Cpu;
use std::sync::Arc;

const LABELS: [&str; 3] = ["helpfulness", "correctness", "verbosity"];
const PLACES: [ValuesAt; 2] = [ValuesAt::Scored, ValuesAt::End];

/// Weights large enough that no part of the model is near its linear range, and norms that are not 1.
fn weights(tie_word_embeddings: bool) -> Weights {
    let config = tiniest(11, tie_word_embeddings);
    let mut weights = Weights::random(config, 7).with_head(&LABELS, 8);
    for (i, w) in weights.data.iter_mut().enumerate() {
        let is_norm = *w == 1.0;
        *w = if is_norm { 1.0 + 0.1 * (i % 5) as f32 } else { 20.0 * *w };
    }
    weights
}

/// Shared prompts, one of them with an empty response, and a prompt that is alone.
fn batch() -> Sequences {
    let mut batch = Sequences::default();
    batch.push(&[1, 2], &[2, 3, 4, 2]);
    batch.push(&[5, 6, 7], &[8]);
    batch.push(&[1, 2], &[]);
    batch.push(&[1, 2], &[0, 4]);
    batch.push(&[9], &[]);
    batch
}

type Made = Box<dyn Engine<Cpu>>;

fn fused(parameters: Arc<Parameters>) -> Made {
    Box::new(FusedEngine::new(parameters))
}

fn apart(parameters: Arc<Parameters>) -> Made {
    Box::new(FusedEngine::with(
        parameters,
        FusedOptions { share_prompts: false, recompute: true, ..FusedOptions::default() },
    ))
}

fn graph(parameters: Arc<Parameters>) -> Made {
    Box::new(GraphEngine::new(parameters, Cpu::default()))
}

const ENGINES: [fn(Arc<Parameters>) -> Made; 3] = [fused, apart, graph];

/// One number for each value, none like another.
fn upstream(at: ValuesAt) -> Vec<f32> {
    let mut random = Random::new(9);
    (0..at.count(&batch()) * LABELS.len()).map(|_| random.uniform() as f32 - 0.5).collect()
}

fn gradient(make: fn(Arc<Parameters>) -> Made, weights: &Weights, at: ValuesAt) -> Vec<f32> {
    let parameters = Arc::new(Parameters::new(weights.clone()));
    let engine = make(Arc::clone(&parameters));
    let live = engine.forward_values(&batch(), at).unwrap();
    assert_eq!(live.logp.as_vec(), engine.score_values(&batch(), at).unwrap());
    let gradients = bridge::backward_from(&Cpu::default(), live, upstream(at)).unwrap();
    engine.collect(&gradients).unwrap();
    parameters.gradient.lock().unwrap().clone()
}

#[test]
fn values_are_those_of_the_definition() {
    for (tied, at) in [true, false].into_iter().flat_map(|tied| PLACES.map(|at| (tied, at))) {
        let right = reference::values(&weights(tied), &batch(), at);
        assert_eq!(right.len(), LABELS.len() * if at == ValuesAt::End { 5 } else { 7 });
        for make in ENGINES {
            let ours = make(Arc::new(Parameters::frozen(weights(tied)))).score_values(&batch(), at).unwrap();
            assert_eq!(ours.len(), right.len());
            for (ours, right) in ours.iter().zip(&right) {
                assert!((f64::from(*ours) - right).abs() < 2e-5, "{at:?}: {ours} where {right} is right");
            }
        }
    }
}

#[test]
fn the_gradient_of_every_weight_is_its_slope() {
    for at in PLACES {
        let mut weights = weights(false);
        let gradients = ENGINES.map(|make| gradient(make, &weights, at));
        let largest = gradients[0].iter().fold(0.0_f32, |most, g| most.max(g.abs()));
        assert!(largest > 0.1);
        let upstream = upstream(at);
        for i in 0..weights.data.len() {
            let here = weights.data[i];
            let loss = |weights: &mut Weights, at_weight: f32| -> f64 {
                weights.data[i] = at_weight;
                let values = reference::values(weights, &batch(), at);
                values.iter().zip(&upstream).map(|(value, up)| value * f64::from(*up)).sum()
            };
            // The step that f32 weights can really make.
            let (above, below) = (here + 1e-4, here - 1e-4);
            let slope = (loss(&mut weights, above) - loss(&mut weights, below)) / f64::from(above - below);
            weights.data[i] = here;
            for ours in gradients.iter().map(|gradient| gradient[i]) {
                let off = (f64::from(ours) - slope).abs();
                assert!(off < 2e-4 * f64::from(largest), "{at:?}, weight {i}: {ours} where {slope} is right");
            }
        }
    }
}

#[test]
fn words_are_not_asked_of_a_head_of_labels_nor_values_of_one_of_words() {
    for make in ENGINES {
        let engine = make(Arc::new(Parameters::new(weights(true))));
        for problem in
            [engine.score(&batch()).err(), engine.forward(&batch()).err(), engine.score_words(&batch()).err()]
        {
            assert!(problem.unwrap().to_string().contains("gives values (helpfulness, correctness, verbosity)"));
        }
        let language = Weights::random(weights(true).config, 1);
        let engine = make(Arc::new(Parameters::new(language)));
        let problem = engine.score_values(&batch(), ValuesAt::End).unwrap_err().to_string();
        assert!(problem.contains("no head that gives values"), "{problem}");
        assert!(engine.forward_values(&batch(), ValuesAt::Scored).is_err());
        let frozen = make(Arc::new(Parameters::frozen(weights(true))));
        assert!(frozen.forward_values(&batch(), ValuesAt::End).err().unwrap().to_string().contains("frozen"));
    }
}

#[test]
fn no_sequences_have_no_values() {
    for make in ENGINES {
        let engine = make(Arc::new(Parameters::frozen(weights(true))));
        assert!(engine.score_values(&Sequences::default(), ValuesAt::End).unwrap().is_empty());
    }
}

//! Narrow matrices beside those of the model, in both engines.

use super::tests::{batch, configs, groups, weights};
use super::{FusedEngine, FusedOptions};
use crate::bridge;
use crate::model::{Engine, GraphEngine, LowRank, Parameters, Sequences, ValuesAt, Weights, reference};
use dfdx::prelude::Cpu;
use std::sync::Arc;

/// With narrow matrices that all differ from zero.
pub(super) fn narrow(weights: Weights) -> Weights {
    let mut weights = weights.with_low_rank(LowRank { rank: 2, alpha: 3.0 }, 5).unwrap();
    let trained = weights.tensors.iter().filter(|spec| spec.name.contains("lora_B")).map(|spec| spec.range.clone());
    for range in trained.collect::<Vec<_>>() {
        weights.data[range].iter_mut().enumerate().for_each(|(i, b)| *b = 0.3 * ((i as f32 + 1.0) * 0.7).sin());
    }
    weights
}

fn upstream(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i as f32 * 1.3 + 0.4).sin()).collect()
}

/// The gradient of what is trained, from a gradient of log-probabilities that are not all alike.
fn gradient(engine: &dyn Engine<Cpu>, parameters: &Parameters, batch: &Sequences) -> Vec<f32> {
    parameters.gradient.lock().unwrap().fill(0.0);
    let live = engine.forward(batch).unwrap();
    let upstream = upstream(live.logp.as_vec().len());
    engine.collect(&bridge::backward_from(&Cpu::default(), live, upstream).unwrap()).unwrap();
    parameters.gradient.lock().unwrap().clone()
}

#[track_caller]
fn close(ours: &[f32], right: &[f32], tolerance: f32) {
    let largest = right.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    assert_eq!(ours.len(), right.len());
    assert!(largest > 0.0);
    for (i, (ours, right)) in ours.iter().zip(right).enumerate() {
        assert!((ours - right).abs() <= tolerance * largest, "{i}: {ours} where {right} is right, largest {largest}");
    }
}

#[test]
fn log_probabilities_are_those_of_the_merged_model_and_gradients_are_slopes() {
    for config in configs() {
        let mut weights = narrow(weights(config));
        let right = reference::score(&weights.clone().merged(), &batch());
        let parameters = Arc::new(Parameters::new(weights.clone()));
        let engine = FusedEngine::new(Arc::clone(&parameters));
        for (ours, right) in engine.score(&batch()).unwrap().iter().zip(&right) {
            assert!((f64::from(*ours) - right).abs() < 2e-5, "{ours} where {right} is right");
        }
        let ours = gradient(&engine, &parameters, &batch());
        let trained = weights.trained();
        assert_eq!(ours.len(), trained.len());
        let largest = ours.iter().fold(0.0_f32, |most, g| most.max(g.abs()));
        for (ours, i) in ours.iter().zip(trained).step_by(3) {
            let here = weights.data[i];
            let loss = |weights: &mut Weights, at: f32| -> f64 {
                weights.data[i] = at;
                let logp = reference::score(&weights.clone().merged(), &batch());
                logp.iter().zip(upstream(logp.len())).map(|(logp, g)| logp * f64::from(g)).sum()
            };
            // Merging rounds to f32, so the step is not a small one.
            let (above, below) = (here + 4e-3, here - 4e-3);
            let slope = (loss(&mut weights, above) - loss(&mut weights, below)) / f64::from(above - below);
            weights.data[i] = here;
            let off = (f64::from(*ours) - slope).abs();
            assert!(off < 1e-3 * f64::from(largest), "weight {i}: {ours} where {slope} is right, largest {largest}");
        }
    }
}

#[test]
fn both_engines_agree_for_every_option() {
    for config in configs() {
        let parameters = Arc::new(Parameters::new(narrow(weights(config))));
        let graph = GraphEngine::new(Arc::clone(&parameters), Cpu::default());
        let right = gradient(&graph, &parameters, &groups());
        let logp = graph.score(&groups()).unwrap();
        for (share_prompts, recompute) in [(true, false), (false, false), (true, true)] {
            let options = FusedOptions { share_prompts, recompute, ..FusedOptions::default() };
            let engine = FusedEngine::with(Arc::clone(&parameters), options);
            close(&engine.score(&groups()).unwrap(), &logp, 1e-5);
            close(&gradient(&engine, &parameters, &groups()), &right, 1e-5);
        }
    }
}

#[test]
fn in_halves_they_are_near() {
    let mut weights = weights(configs()[0].clone());
    weights.data.iter_mut().filter(|w| **w < 1.0).for_each(|w| *w *= 0.3);
    let parameters = Arc::new(Parameters::new(narrow(weights)));
    let engine =
        |halves| FusedEngine::with(Arc::clone(&parameters), FusedOptions { halves, ..FusedOptions::default() });
    let right = gradient(&engine(false), &parameters, &groups());
    let halves = engine(true);
    close(&gradient(&halves, &parameters, &groups()), &right, 5e-2);
    // The copy follows what is trained.
    let before = halves.score(&groups()).unwrap();
    parameters.change(|weights| {
        let trained = weights.trained();
        weights.data[trained].iter_mut().for_each(|w| *w *= 1.5);
    });
    assert_ne!(halves.score(&groups()).unwrap(), before);
    assert_eq!(halves.score(&groups()).unwrap(), engine(true).score(&groups()).unwrap());
}

#[test]
fn heads_of_labels_are_trained_too_and_all_words_are_given() {
    for config in configs() {
        let parameters = Arc::new(Parameters::new(narrow(weights(config.clone()).with_head(&["a", "b"], 3))));
        let graph = GraphEngine::new(Arc::clone(&parameters), Cpu::default());
        let fused = FusedEngine::new(Arc::clone(&parameters));
        for at in [ValuesAt::Scored, ValuesAt::End] {
            let learn = |engine: &dyn Engine<Cpu>| {
                parameters.gradient.lock().unwrap().fill(0.0);
                let live = engine.forward_values(&groups(), at).unwrap();
                let values = live.logp.as_vec();
                let upstream = upstream(values.len());
                engine.collect(&bridge::backward_from(&Cpu::default(), live, upstream).unwrap()).unwrap();
                (values, parameters.gradient.lock().unwrap().clone())
            };
            let (ours, right) = (learn(&fused), learn(&graph));
            close(&ours.0, &right.0, 1e-5);
            close(&ours.1, &right.1, 1e-5);
            assert!(right.1[..2 * 8].iter().any(|g| *g != 0.0), "the head is trained");
        }
        let parameters = Arc::new(Parameters::new(narrow(weights(config))));
        let graph = GraphEngine::new(Arc::clone(&parameters), Cpu::default());
        let words = FusedEngine::new(parameters).score_words(&batch()).unwrap();
        close(&words, &graph.score_words(&batch()).unwrap(), 1e-5);
    }
}

#[test]
fn without_them_it_is_the_model_as_it_was() {
    let before = weights(configs()[0].clone());
    let right = FusedEngine::new(Arc::new(Parameters::frozen(before.clone()))).score(&groups()).unwrap();
    let parameters = Arc::new(Parameters::new(narrow(before)));
    let engines: [Box<dyn Engine<Cpu>>; 2] = [
        Box::new(FusedEngine::new(Arc::clone(&parameters))),
        Box::new(GraphEngine::new(Arc::clone(&parameters), Cpu::default())),
    ];
    for engine in engines {
        let bare = engine.without_low_rank().unwrap();
        close(&bare.score(&groups()).unwrap(), &right, 1e-5);
        assert_ne!(engine.score(&groups()).unwrap(), right);
        assert!(bare.forward(&groups()).err().unwrap().to_string().contains("frozen"));
    }
    let whole = FusedEngine::new(Arc::new(Parameters::new(weights(configs()[0].clone()))));
    assert!(Engine::<Cpu>::without_low_rank(&whole).is_none());
}

use super::{FusedEngine, FusedOptions};
use crate::model::{Engine, Family, ModelConfig, Parameters, Sequences, Weights, reference};
use dfdx::prelude::{Backward, PutTape, SumTo};
use std::sync::Arc;

fn config(heads: [usize; 2], head_dim: usize, tied: bool) -> ModelConfig {
    ModelConfig {
        family: Default::default(),
        vocab_size: 11,
        hidden_size: 8,
        intermediate_size: 12,
        num_hidden_layers: 2,
        num_attention_heads: heads[0],
        num_key_value_heads: heads[1],
        head_dim,
        max_position_embeddings: 16,
        rms_norm_eps: 1e-5,
        rope_theta: 100.0,
        rope_scaling: Default::default(),
        tie_word_embeddings: tied,
    }
}

/// With and without grouped queries, a head's width that is not the model's width over the heads, tied and untied; and each of
/// the family that has weights which the others do not have.
pub(super) fn configs() -> [ModelConfig; 6] {
    let of = |family, config| ModelConfig { family, ..config };
    [
        config([4, 2], 2, true),
        config([2, 2], 6, false),
        config([3, 1], 4, true),
        of(Family::Llama { attention_bias: true, mlp_bias: true }, config([2, 1], 4, false)),
        of(Family::Qwen2 { sliding_window: None }, config([4, 2], 2, true)),
        of(Family::Qwen3 { attention_bias: true, sliding_window: None }, config([4, 2], 6, false)),
    ]
}

/// Weights large enough that no part of the model is near its linear range, and norms that are not 1.
pub(super) fn weights(config: ModelConfig) -> Weights {
    let mut weights = Weights::random(config, 7);
    for (i, w) in weights.data.iter_mut().enumerate() {
        let is_norm = *w == 1.0;
        *w = if is_norm { 1.0 + 0.1 * (i % 5) as f32 } else { 20.0 * *w };
    }
    for bias in weights.tensors.iter().filter(|spec| spec.name.ends_with(".bias")) {
        weights.data[bias.range.clone()].iter_mut().enumerate().for_each(|(i, b)| *b = 0.4 * (i as f32 + 0.5).sin());
    }
    weights
}

/// Three sequences of different lengths: one scored from its second token, one in part, one with nothing scored.
pub(super) fn batch() -> Sequences {
    let mut batch = Sequences::default();
    batch.push(&[1], &[2, 3, 4, 2]);
    batch.push(&[5, 6, 7], &[8]);
    batch.push(&[9, 1, 9], &[]);
    batch.push(&[10, 10, 3, 1], &[0, 4, 10, 2, 2, 7]);
    batch
}

/// The gradient of the sum of squared log-probabilities, through dfdx's tape.
fn gradient_of_squares(engine: &FusedEngine, parameters: &Parameters) -> Vec<f32> {
    let live = engine.forward(&batch()).unwrap();
    let gradients = live.logp.put_tape(live.tape).square().sum().backward();
    engine.collect(&gradients).unwrap();
    parameters.gradient.lock().unwrap().clone()
}

#[test]
fn log_probabilities_are_those_of_the_definition() {
    for config in configs() {
        let weights = weights(config);
        let right = reference::score(&weights, &batch());
        let engine = FusedEngine::new(Arc::new(Parameters::new(weights)));
        let ours = engine.score(&batch()).unwrap();
        assert_eq!(ours.len(), right.len());
        for (ours, right) in ours.iter().zip(&right) {
            assert!((f64::from(*ours) - right).abs() < 2e-5, "{ours} where {right} is right");
        }
        assert_eq!(engine.forward(&batch()).unwrap().logp.as_vec(), ours);
    }
}

#[test]
fn the_gradient_of_every_weight_is_its_slope() {
    for config in configs() {
        let mut weights = weights(config);
        let parameters = Arc::new(Parameters::new(weights.clone()));
        let ours = gradient_of_squares(&FusedEngine::new(Arc::clone(&parameters)), &parameters);
        let largest = ours.iter().fold(0.0_f32, |most, g| most.max(g.abs()));
        for (i, &ours) in ours.iter().enumerate() {
            let here = weights.data[i];
            // The step that f32 weights can really make.
            let loss = |weights: &mut Weights, at: f32| -> f64 {
                weights.data[i] = at;
                reference::score(weights, &batch()).iter().map(|logp| logp * logp).sum()
            };
            let (above, below) = (here + 1e-4, here - 1e-4);
            let slope = (loss(&mut weights, above) - loss(&mut weights, below)) / f64::from(above - below);
            weights.data[i] = here;
            let off = (f64::from(ours) - slope).abs();
            assert!(off < 2e-4 * f64::from(largest), "weight {i}: {ours} where {slope} is right, largest {largest}");
        }
    }
}

/// Three prompts in the order of a batch of groups: side after side, each prompt again for every response; one response is
/// a single token, and one prompt begins another.
pub(super) fn groups() -> Sequences {
    let mut batch = Sequences::default();
    for side in 0..3 {
        batch.push(&[1, 2, 3], &[side, 4, 5, side][..4 - side as usize]);
        batch.push(&[7, 2], &[9 - side]);
        batch.push(&[1, 2], &[3, 4 + side, 10]);
    }
    batch
}

#[test]
fn options_change_nothing() {
    for config in configs() {
        let weights = weights(config);
        let right = reference::score(&weights, &groups());
        let options = [(true, false), (false, false), (true, true)];
        let [together, apart, again] = options.map(|(share_prompts, recompute)| {
            let parameters = Arc::new(Parameters::new(weights.clone()));
            let options = FusedOptions { share_prompts, recompute, ..FusedOptions::default() };
            let engine = FusedEngine::with(Arc::clone(&parameters), options);
            let live = engine.forward(&groups()).unwrap();
            for (ours, right) in live.logp.as_vec().into_iter().zip(&right) {
                assert!((f64::from(ours) - right).abs() < 2e-5, "{ours} where {right} is right");
            }
            live.logp.put_tape(live.tape).square().sum().backward();
            drop(engine);
            Arc::into_inner(parameters).unwrap().gradient.into_inner().unwrap()
        });
        let largest = apart.iter().fold(0.0_f32, |most, g| most.max(g.abs()));
        assert_eq!(together, again, "a layer computed again is the same to the last bit");
        for (together, apart) in together.iter().zip(&apart) {
            assert!((together - apart).abs() < 1e-5 * largest, "{together} and {apart}, largest {largest}");
        }
    }
}

#[test]
fn gradients_add_up_and_are_the_same_on_every_run() {
    let parameters = Arc::new(Parameters::new(weights(config([4, 2], 2, true))));
    let engine = FusedEngine::new(Arc::clone(&parameters));
    let once = gradient_of_squares(&engine, &parameters);
    let twice = gradient_of_squares(&engine, &parameters);
    for (once, twice) in once.iter().zip(&twice) {
        assert!((2.0 * once - twice).abs() <= 1e-5 * twice.abs().max(1.0));
    }
    parameters.gradient.lock().unwrap().fill(0.0);
    assert_eq!(gradient_of_squares(&engine, &parameters), once);
}

#[test]
fn after_the_longest_batch_no_buffer_is_made() {
    for recompute in [false, true] {
        let parameters = Arc::new(Parameters::new(weights(config([4, 2], 2, true))));
        let options = FusedOptions { recompute, ..FusedOptions::default() };
        let engine = FusedEngine::with(Arc::clone(&parameters), options);
        let step = |batch: &Sequences| {
            let live = engine.forward(batch).unwrap();
            live.logp.put_tape(live.tape).square().sum().backward();
            engine.decoder.backend.buffers_made()
        };
        let longest = step(&groups());
        assert!(longest > 10);
        for _ in 0..3 {
            assert_eq!(step(&batch()), longest, "a shorter batch");
            assert_eq!(step(&groups()), longest, "the same batch");
        }
    }
}

#[test]
fn a_sequence_is_scored_alike_in_any_company() {
    let engine = FusedEngine::new(Arc::new(Parameters::frozen(weights(config([4, 2], 2, true)))));
    let together = engine.score(&batch()).unwrap();
    let mut alone = Vec::new();
    for span in &batch().spans {
        let mut one = Sequences::default();
        one.push(&batch().tokens[span.range.start..span.scored.start], &batch().tokens[span.scored.clone()]);
        alone.extend(engine.score(&one).unwrap());
    }
    for (together, alone) in together.iter().zip(&alone) {
        assert!((together - alone).abs() < 1e-5, "{together} {alone}");
    }
}

#[test]
fn frozen_weights_are_scored_and_not_trained() {
    let engine = FusedEngine::new(Arc::new(Parameters::frozen(weights(config([4, 2], 2, true)))));
    assert!(engine.score(&batch()).is_ok());
    let error = engine.forward(&batch()).err().unwrap().to_string();
    assert!(error.contains("frozen"), "{error}");
}

#[test]
fn what_the_model_cannot_read_is_an_error() {
    let engine = FusedEngine::new(Arc::new(Parameters::new(weights(config([4, 2], 2, true)))));
    let problem = |context: &[u32], scored: &[u32]| {
        let mut batch = Sequences::default();
        batch.push(context, scored);
        let by_forward = engine.forward(&batch).err().unwrap().to_string();
        assert_eq!(engine.score(&batch).unwrap_err().to_string(), by_forward);
        by_forward
    };
    assert!(problem(&[1, 11], &[2]).contains("token 11 is outside the model's vocabulary of 11"));
    assert!(problem(&[1; 10], &[2; 7]).contains("17 tokens is longer than the model's 16 positions"));
}

#[test]
fn no_sequences_have_no_log_probabilities() {
    let engine = FusedEngine::new(Arc::new(Parameters::new(weights(config([4, 2], 2, true)))));
    assert!(engine.score(&Sequences::default()).unwrap().is_empty());
}

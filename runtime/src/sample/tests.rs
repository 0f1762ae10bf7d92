use super::{Sample, Sampling, generate};
use crate::model::{Engine, Family, FusedEngine, FusedOptions, ModelConfig, Parameters, Sequences, Weights};
use crate::train::Dtype;
use collimate_kernels::stored::bf16;
use std::sync::Arc;

fn weights(tied: bool) -> Weights {
    weights_of(Family::default(), tied)
}

fn weights_of(family: Family, tied: bool) -> Weights {
    let config = ModelConfig {
        family,
        vocab_size: 23,
        hidden_size: 8,
        intermediate_size: 12,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 4,
        max_position_embeddings: 24,
        rms_norm_eps: 1e-5,
        rope_theta: 100.0,
        rope_scaling: Default::default(),
        tie_word_embeddings: tied,
    };
    let mut weights = Weights::random(config, 3);
    // Larger than at the start of training, so that choices depend on what was read.
    weights.data.iter_mut().filter(|w| **w != 1.0).for_each(|w| *w *= 20.0);
    for bias in weights.tensors.iter().filter(|spec| spec.name.ends_with(".bias")) {
        weights.data[bias.range.clone()].iter_mut().enumerate().for_each(|(i, b)| *b = 0.4 * (i as f32 + 0.5).sin());
    }
    weights
}

fn prompts() -> Vec<Vec<u32>> {
    vec![vec![1, 2, 3], vec![4], vec![5, 6, 7, 8, 9, 10, 11], vec![1, 2, 3, 4, 5]]
}

fn sampling() -> Sampling {
    Sampling { samples: 3, max_new_tokens: 9, end_tokens: vec![0, 7], seed: 5, ..Sampling::default() }
}

fn run(weights: &Weights, prompts: &[Vec<u32>], settings: &Sampling) -> Vec<Vec<Sample>> {
    generate(weights, prompts, settings, |_| {}).unwrap()
}

/// What the engine says of the tokens of a sample.
fn scored(weights: &Weights, prompt: &[u32], sample: &Sample) -> Vec<f32> {
    let mut batch = Sequences::default();
    batch.push(prompt, &sample.tokens);
    FusedEngine::new(Arc::new(Parameters::frozen(weights.clone()))).score(&batch).unwrap()
}

#[test]
fn log_probabilities_are_those_of_scoring_the_whole_sequence() {
    let whole = Family::Llama { attention_bias: true, mlp_bias: true };
    let qwen = Family::Qwen3 { attention_bias: true, sliding_window: None };
    for (family, tied) in [(Family::default(), true), (Family::default(), false), (whole, true), (qwen, false)] {
        let weights = weights_of(family, tied);
        for (prompt, samples) in prompts().iter().zip(run(&weights, &prompts(), &sampling())) {
            for sample in samples {
                let right = scored(&weights, prompt, &sample);
                assert_eq!(sample.logp.len(), right.len());
                for (ours, right) in sample.logp.iter().zip(right) {
                    assert!((ours - right).abs() < 2e-5, "{ours} {right}");
                }
            }
        }
    }
}

#[test]
fn a_sample_ends_with_an_end_token_or_at_the_limit() {
    let samples: Vec<Sample> = run(&weights(true), &prompts(), &sampling()).into_iter().flatten().collect();
    assert_eq!(samples.len(), 12);
    assert!(samples.iter().any(|sample| sample.ended) && samples.iter().any(|sample| !sample.ended));
    for sample in samples {
        let ends = sample.tokens.iter().position(|token| [0, 7].contains(token));
        assert_eq!(sample.ended, ends.is_some());
        assert_eq!(sample.tokens.len(), ends.map_or(9, |place| place + 1));
    }
}

#[test]
fn a_sample_does_not_depend_on_what_is_made_beside_it() {
    let weights = weights(true);
    let all = run(&weights, &prompts(), &sampling());
    for at_once in [1, 2, 5, 100] {
        assert_same(&run(&weights, &prompts(), &Sampling { at_once, ..sampling() }).concat(), &all.concat());
    }
    let first = run(&weights, &prompts()[..1], &Sampling { samples: 2, ..sampling() });
    assert_same(&first[0], &all[0][..2]);
}

/// The same tokens; their log-probabilities but for the last digits, which depend on how a prompt was read.
#[track_caller]
fn assert_same(ours: &[Sample], right: &[Sample]) {
    assert_eq!(ours.len(), right.len());
    for (ours, right) in ours.iter().zip(right) {
        assert_eq!((&ours.tokens, ours.ended), (&right.tokens, right.ended));
        assert!(ours.logp.iter().zip(&right.logp).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}

#[test]
fn seeds_samples_and_prompts_have_numbers_of_their_own() {
    let weights = weights(true);
    let same = vec![vec![1, 2, 3]; 4];
    let settings = Sampling { end_tokens: Vec::new(), ..sampling() };
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..5 {
        for samples in run(&weights, &same, &Sampling { seed, ..settings.clone() }) {
            seen.extend(samples.into_iter().map(|sample| sample.tokens));
        }
    }
    assert!(seen.len() > 55, "{} different of 60", seen.len());
}

#[test]
fn at_temperature_zero_every_token_is_the_most_likely() {
    let weights = weights(true);
    let settings = Sampling { temperature: 0.0, samples: 2, end_tokens: Vec::new(), ..sampling() };
    for (prompt, samples) in prompts().iter().zip(run(&weights, &prompts(), &settings)) {
        assert_eq!(samples[0], samples[1]);
        for (place, &token) in samples[0].tokens.iter().enumerate() {
            let read = [prompt.as_slice(), &samples[0].tokens[..place]].concat();
            let of = |token: u32| scored(&weights, &read, &Sample { tokens: vec![token], ..Sample::default() })[0];
            let best = (0..23).map(of).fold(f32::NEG_INFINITY, f32::max);
            assert!(of(token) > best - 1e-5);
        }
    }
}

#[test]
fn generation_stops_at_the_models_last_position() {
    let settings = Sampling { max_new_tokens: 100, end_tokens: Vec::new(), ..sampling() };
    for (prompt, samples) in prompts().iter().zip(run(&weights(true), &prompts(), &settings)) {
        for sample in samples {
            assert_eq!((prompt.len() + sample.tokens.len(), sample.ended), (24, false));
        }
    }
}

#[test]
fn progress_is_told_after_every_step() {
    let mut told = Vec::new();
    let made = generate(&weights(true), &prompts(), &sampling(), |progress| told.push(progress)).unwrap();
    let last = told.last().unwrap();
    assert_eq!((last.finished, last.samples), (12, 12));
    assert_eq!(last.tokens, made.iter().flatten().map(|sample| sample.tokens.len()).sum::<usize>());
    assert!(told.windows(2).all(|pair| pair[0].tokens < pair[1].tokens));
}

#[test]
fn what_cannot_be_continued_is_an_error() {
    let problem = |prompt: Vec<u32>, settings: Sampling| {
        generate(&weights(true), &[prompt], &settings, |_| {}).unwrap_err().to_string()
    };
    assert!(problem(vec![], sampling()).contains("an empty prompt"));
    assert!(problem(vec![1; 24], sampling()).contains("leaves no room"));
    assert!(problem(vec![23], sampling()).contains("token 23 is outside"));
    assert!(problem(vec![1], Sampling { temperature: -1.0, ..sampling() }).contains("temperature of -1"));
    assert!(problem(vec![1], Sampling { top_p: 0.0, ..sampling() }).contains("top-p of 0"));
}

#[test]
fn no_prompts_have_no_samples() {
    assert!(run(&weights(true), &[], &sampling()).is_empty());
}

#[test]
fn in_halves_log_probabilities_are_those_of_scoring_in_halves() {
    for tied in [true, false] {
        let weights = weights(tied);
        let settings = Sampling { dtype: Dtype::Bf16, ..sampling() };
        let ours = run(&weights, &prompts(), &settings);
        assert_ne!(ours, run(&weights, &prompts(), &sampling()));
        let parameters = Arc::new(Parameters::frozen(weights.clone()));
        let engine = FusedEngine::with(parameters, FusedOptions { halves: true, ..FusedOptions::default() });
        for (prompt, samples) in prompts().iter().zip(&ours) {
            for sample in samples {
                let mut batch = Sequences::default();
                batch.push(prompt, &sample.tokens);
                let right = engine.score(&batch).unwrap();
                for (ours, right) in sample.logp.iter().zip(right) {
                    // Sums in another order may round to another neighbour.
                    assert!((ours - right).abs() < 3e-2 * right.abs().max(1.0), "{ours} {right}");
                }
            }
        }
        // The weights are rounded before anything else.
        let mut rounded = weights.clone();
        rounded.data.iter_mut().for_each(|w| *w = bf16::from_f32(*w).to_f32());
        assert_eq!(ours, run(&rounded, &prompts(), &settings));
    }
}

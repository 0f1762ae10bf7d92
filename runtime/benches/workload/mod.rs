//! What a timed step works on: models of known shapes with random weights, and texts of random tokens.

#![allow(dead_code, unreachable_pub, reason = "each program that is timed takes what it needs")]

use collimate_runtime::{
    model::{ModelConfig, Sequences},
    random::Random,
};
use std::ops::RangeInclusive;

/// Tokens of a prompt or an answer.
const LENGTHS: RangeInclusive<usize> = 64..=192;
/// Words that occur in texts: every model here has as many.
const WORDS: usize = 4096;

/// Shapes by name: a toy, and those of SmolLM2-135M, Qwen2.5-0.5B and Llama-3.2-1B.
pub const NAMES: [&str; 4] = ["tiny", "0.1b", "0.5b", "1b"];

/// The shape with this name.
pub fn config(name: &str) -> Option<ModelConfig> {
    let (sizes, layers, heads, vocab_size) = match name {
        "tiny" => ([256, 688], 8, [8, 4, 32], 4096),
        "0.1b" => ([576, 1536], 30, [9, 3, 64], 49_152),
        "0.5b" => ([896, 4864], 24, [14, 2, 64], 151_936),
        "1b" => ([2048, 8192], 16, [32, 8, 64], 128_256),
        _ => return None,
    };
    Some(ModelConfig {
        family: Default::default(),
        vocab_size,
        hidden_size: sizes[0],
        intermediate_size: sizes[1],
        num_hidden_layers: layers,
        num_attention_heads: heads[0],
        num_key_value_heads: heads[1],
        head_dim: heads[2],
        max_position_embeddings: 2048,
        rms_norm_eps: 1e-5,
        rope_theta: 1e4,
        rope_scaling: Default::default(),
        tie_word_embeddings: true,
    })
}

/// Any words, so many.
pub fn text(length: usize, random: &mut Random) -> Vec<u32> {
    (0..length).map(|_| random.below(WORDS) as u32).collect()
}

/// A prompt and two answers.
pub fn pair(random: &mut Random) -> [Vec<u32>; 3] {
    [(); 3].map(|()| {
        let length = LENGTHS.start() + random.below(LENGTHS.end() - LENGTHS.start() + 1);
        text(length, random)
    })
}

/// Prompts with two answers each.
pub fn pairs(count: usize, random: &mut Random) -> Sequences {
    let mut batch = Sequences::default();
    for _ in 0..count {
        let [prompt, first, second] = pair(random);
        batch.push(&prompt, &first);
        batch.push(&prompt, &second);
    }
    batch
}

/// Long prompts with eight short answers each.
pub fn groups(count: usize, random: &mut Random) -> Sequences {
    let mut batch = Sequences::default();
    for _ in 0..count {
        let prompt = text(512, random);
        (0..8).for_each(|_| batch.push(&prompt, &text(64, random)));
    }
    batch
}

//! Where each weight lies in the flat vector, with neighbours that are multiplied together taken as one.

use crate::model::Weights;
use std::ops::Range;

/// A matrix `[out, inner]` in the flat vector of weights.
#[derive(Clone, Debug)]
pub(super) struct Projection {
    pub(super) range: Range<usize>,
    pub(super) out: usize,
    pub(super) inner: usize,
}

/// The weights of a layer.
#[derive(Clone, Debug)]
pub(super) struct LayerMap {
    pub(super) attention_norm: Range<usize>,
    /// Queries, keys and values, one below the other.
    pub(super) qkv: Projection,
    pub(super) o: Projection,
    pub(super) feed_norm: Range<usize>,
    /// Gates and ups, one below the other.
    pub(super) gate_up: Projection,
    pub(super) down: Projection,
}

/// All weights of a model.
#[derive(Clone, Debug)]
pub(super) struct Map {
    pub(super) embedding: Range<usize>,
    pub(super) layers: Vec<LayerMap>,
    pub(super) norm: Range<usize>,
    /// Scores of words: the embedding again, if tied; empty if the model's head gives values.
    pub(super) head: Range<usize>,
    /// Scores of labels, if the model's head gives values.
    pub(super) values: Option<Projection>,
}

impl Map {
    pub(super) fn new(weights: &Weights) -> Self {
        let config = &weights.config;
        let vector = |name: &str| find(weights, name);
        let layers = (0..config.num_hidden_layers).map(|i| {
            let name = |part: &str| format!("model.layers.{i}.{part}.weight");
            let stack = |parts: &[&str], inner: usize| {
                let ranges: Vec<_> = parts.iter().map(|part| find(weights, &name(part))).collect();
                assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start), "{parts:?} lie side by side");
                let range = ranges[0].start..ranges[ranges.len() - 1].end;
                Projection { out: range.len() / inner, range, inner }
            };
            LayerMap {
                attention_norm: vector(&name("input_layernorm")),
                qkv: stack(&["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"], config.hidden_size),
                o: stack(&["self_attn.o_proj"], config.num_attention_heads * config.head_dim),
                feed_norm: vector(&name("post_attention_layernorm")),
                gate_up: stack(&["mlp.gate_proj", "mlp.up_proj"], config.hidden_size),
                down: stack(&["mlp.down_proj"], config.intermediate_size),
            }
        });
        let embedding = vector("model.embed_tokens.weight");
        let (words, labels) = (weights.labels.is_empty(), weights.labels.len());
        let head = match config.tie_word_embeddings {
            _ if !words => 0..0,
            true => embedding.clone(),
            false => vector("lm_head.weight"),
        };
        let inner = config.hidden_size;
        let values = (!words).then(|| Projection { range: vector("score.weight"), out: labels, inner });
        Map { layers: layers.collect(), norm: vector("model.norm.weight"), embedding, head, values }
    }
}

fn find(weights: &Weights, name: &str) -> Range<usize> {
    let found = weights.tensors.iter().find(|spec| spec.name == name);
    found.unwrap_or_else(|| panic!("every layout of weights has {name}")).range.clone()
}

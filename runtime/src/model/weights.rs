//! The weights of a model: one flat vector, and where each tensor lies in it.

use super::ModelConfig;
use std::ops::Range;
use std::sync::{Mutex, RwLock};

/// One tensor of a model.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TensorSpec {
    /// Its Hugging Face name, e.g. `model.layers.0.self_attn.q_proj.weight`.
    pub name: String,
    /// Row-major; a projection is `[out, in]`.
    pub shape: Vec<usize>,
    /// Where it lies in [`Weights::data`].
    pub range: Range<usize>,
}

/// A model's weights in f32.
#[derive(Clone, PartialEq, Debug)]
pub struct Weights {
    /// The model's shape.
    pub config: ModelConfig,
    /// In order: embedding, layer by layer, final norm, head (unless tied).
    pub tensors: Vec<TensorSpec>,
    /// All tensors, one after another.
    pub data: Vec<f32>,
}

impl Weights {
    /// All zero, laid out for this shape.
    #[must_use]
    pub fn zeros(config: ModelConfig) -> Self {
        let (h, f, d) = (config.hidden_size, config.intermediate_size, config.head_dim);
        let (q, kv) = (config.num_attention_heads * d, config.num_key_value_heads * d);
        let mut named = vec![("model.embed_tokens.weight".to_owned(), vec![config.vocab_size, h])];
        for i in 0..config.num_hidden_layers {
            let layer = [
                ("input_layernorm", vec![h]),
                ("self_attn.q_proj", vec![q, h]),
                ("self_attn.k_proj", vec![kv, h]),
                ("self_attn.v_proj", vec![kv, h]),
                ("self_attn.o_proj", vec![h, q]),
                ("post_attention_layernorm", vec![h]),
                ("mlp.gate_proj", vec![f, h]),
                ("mlp.up_proj", vec![f, h]),
                ("mlp.down_proj", vec![h, f]),
            ];
            named.extend(layer.into_iter().map(|(n, s)| (format!("model.layers.{i}.{n}.weight"), s)));
        }
        named.push(("model.norm.weight".to_owned(), vec![h]));
        if !config.tie_word_embeddings {
            named.push(("lm_head.weight".to_owned(), vec![config.vocab_size, h]));
        }
        let mut end = 0;
        let tensors = named
            .into_iter()
            .map(|(name, shape)| {
                let start = end;
                end += shape.iter().product::<usize>();
                TensorSpec { name, shape, range: start..end }
            })
            .collect();
        Weights { config, tensors, data: vec![0.0; end] }
    }
}

/// Weights and their gradient, shared by an engine (which reads the one and adds to the other) and an
/// optimizer (which reads the other and changes the one).
#[derive(Debug)]
pub struct Parameters {
    /// The weights.
    pub weights: RwLock<Weights>,
    /// `d loss / d weights.data`, accumulated; the same length.
    pub gradient: Mutex<Vec<f32>>,
}

impl Parameters {
    /// With a gradient of zero.
    #[must_use]
    pub fn new(weights: Weights) -> Self {
        let gradient = Mutex::new(vec![0.0; weights.data.len()]);
        Parameters { weights: RwLock::new(weights), gradient }
    }

    /// Frozen: an empty gradient, which costs nothing and which nothing may be added to.
    #[must_use]
    pub fn frozen(weights: Weights) -> Self {
        Parameters { weights: RwLock::new(weights), gradient: Mutex::new(Vec::new()) }
    }
}

//! The shape of a model, as `config.json` gives it.

/// A decoder of the Llama family.
#[derive(Clone, PartialEq, Debug)]
pub struct ModelConfig {
    /// Words of the vocabulary.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the gated feed-forward layer.
    pub intermediate_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads: each serves `num_attention_heads / num_key_value_heads` query heads.
    pub num_key_value_heads: usize,
    /// Width of a head; `hidden_size / num_attention_heads` where the file does not say.
    pub head_dim: usize,
    /// Longest sequence.
    pub max_position_embeddings: usize,
    /// Added to the mean square in RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Is the output head the embedding itself?
    pub tie_word_embeddings: bool,
}

impl ModelConfig {
    /// Angular frequency of each of the `head_dim / 2` rotary pairs, per position.
    #[must_use]
    pub fn rotary_frequencies(&self) -> Vec<f64> {
        (0..self.head_dim / 2).map(|i| self.rope_theta.powf(-2.0 * i as f64 / self.head_dim as f64)).collect()
    }
}

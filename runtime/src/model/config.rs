//! The shape of a model, as `config.json` gives it.

use super::Family;
use std::f64::consts::TAU;

/// A decoder of the Llama family.
#[derive(Clone, PartialEq, Debug)]
pub struct ModelConfig {
    /// Which of the family it is.
    pub family: Family,
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
    /// Positions of the longest sequence; [`ModelConfig::longest`] may be less.
    pub max_position_embeddings: usize,
    /// Added to the mean square in RMSNorm.
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// How the rotary frequencies are stretched for longer sequences.
    pub rope_scaling: RotaryScaling,
    /// Is the output head the embedding itself?
    pub tie_word_embeddings: bool,
}

/// How rotary frequencies are stretched so that a model reads longer sequences than it was first trained on.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum RotaryScaling {
    /// Not at all.
    #[default]
    Unscaled,
    /// Every frequency is divided by `factor`.
    Linear {
        /// At least 1.
        factor: f64,
    },
    /// As in Llama 3.1: low frequencies are divided by `factor`, high ones are kept, those between are mixed.
    Llama3 {
        /// At least 1.
        factor: f64,
        /// Frequencies that turn fewer than this many times within the original length are low.
        low_freq_factor: f64,
        /// Frequencies that turn more than this many times within the original length are high.
        high_freq_factor: f64,
        /// The length the model was first trained on.
        original_max_position_embeddings: usize,
    },
}

impl ModelConfig {
    /// Tokens of the longest sequence that the model reads here: those it has positions for, and no more than its sliding window,
    /// within which every token sees all before it.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.family.sliding_window().unwrap_or(usize::MAX).min(self.max_position_embeddings)
    }

    /// The same in words: what a sequence must not be longer than.
    pub(crate) fn bound(&self) -> String {
        match self.family.sliding_window().filter(|window| *window < self.max_position_embeddings) {
            None => format!("the model's {} positions", self.max_position_embeddings),
            Some(window) => {
                format!("the model's sliding window of {window} tokens, beyond which Collimate cannot run it")
            }
        }
    }

    /// Angular frequency of each of the `head_dim / 2` rotary pairs, per position.
    #[must_use]
    pub fn rotary_frequencies(&self) -> Vec<f64> {
        let unscaled = |i: usize| self.rope_theta.powf(-2.0 * i as f64 / self.head_dim as f64);
        (0..self.head_dim / 2).map(|i| self.rope_scaling.apply(unscaled(i))).collect()
    }
}

impl RotaryScaling {
    fn apply(self, frequency: f64) -> f64 {
        match self {
            RotaryScaling::Unscaled => frequency,
            RotaryScaling::Linear { factor } => frequency / factor,
            RotaryScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } => {
                let turns = original_max_position_embeddings as f64 * frequency / TAU;
                // 0 at and below the low bound, 1 at and above the high one.
                let kept = ((turns - low_freq_factor) / (high_freq_factor - low_freq_factor)).clamp(0.0, 1.0);
                frequency * (kept + (1.0 - kept) / factor)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RotaryScaling;

    #[test]
    fn llama3_scaling_keeps_high_frequencies_and_divides_low_ones() {
        let scaling = RotaryScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_position_embeddings: 64,
        };
        assert_eq!(scaling.apply(1.0), 1.0);
        assert_eq!(scaling.apply(0.01), 0.01 / 8.0);
        let between = scaling.apply(0.2);
        assert!(0.2 / 8.0 < between && between < 0.2, "{between}");
    }
}

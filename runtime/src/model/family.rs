//! Which models one decoder runs: they differ in a few vectors, and in how far a token sees.

/// One of the models of the Llama family, and what its `config.json` may choose. All else follows from its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// Llama 2 and 3, SmolLM, TinyLlama.
    Llama {
        /// Are vectors added after the projections of attention?
        attention_bias: bool,
        /// Are vectors added after those of the feed-forward layer?
        mlp_bias: bool,
    },
    /// Mistral.
    Mistral {
        /// How many tokens a token sees, itself among them; none where it sees all before it.
        sliding_window: Option<usize>,
    },
    /// Qwen2 and Qwen2.5: vectors are added after the projections to queries, keys and values.
    Qwen2 {
        /// As of Mistral.
        sliding_window: Option<usize>,
    },
    /// Qwen3: each head of queries and keys is normalised before it is turned by its position.
    Qwen3 {
        /// As of Llama.
        attention_bias: bool,
        /// As of Mistral.
        sliding_window: Option<usize>,
    },
}

impl Default for Family {
    fn default() -> Self {
        Family::Llama { attention_bias: false, mlp_bias: false }
    }
}

impl Family {
    /// What transformers' classes of it begin with; in lower case, its `model_type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Family::Llama { .. } => "Llama",
            Family::Mistral { .. } => "Mistral",
            Family::Qwen2 { .. } => "Qwen2",
            Family::Qwen3 { .. } => "Qwen3",
        }
    }

    /// Are vectors added after the projections to queries, keys and values?
    pub(crate) fn has_query_bias(self) -> bool {
        matches!(self, Family::Qwen2 { .. }) || self.has_output_bias()
    }

    /// And after that of what attention gives?
    pub(crate) fn has_output_bias(self) -> bool {
        matches!(self, Family::Llama { attention_bias: true, .. } | Family::Qwen3 { attention_bias: true, .. })
    }

    /// And after those of the feed-forward layer?
    pub(crate) fn has_feed_bias(self) -> bool {
        matches!(self, Family::Llama { mlp_bias: true, .. })
    }

    /// Are the heads of queries and keys normalised?
    pub(crate) fn has_head_norms(self) -> bool {
        matches!(self, Family::Qwen3 { .. })
    }

    /// How many tokens a token sees, itself among them; none where it sees all before it.
    #[must_use]
    pub fn sliding_window(self) -> Option<usize> {
        match self {
            Family::Llama { .. } => None,
            Family::Mistral { sliding_window }
            | Family::Qwen2 { sliding_window }
            | Family::Qwen3 { sliding_window, .. } => sliding_window,
        }
    }
}

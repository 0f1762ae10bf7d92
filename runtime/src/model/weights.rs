//! The weights of a model: one flat vector, and where each tensor lies in it.

use super::{Folder, LowRank, ModelConfig, head::SCORE};
use crate::random::Random;
use collimate_kernels::memory::prefer_large_pages;
use std::ops::Range;
use std::sync::{
    Arc, Mutex, RwLock, RwLockReadGuard,
    atomic::{AtomicU64, Ordering},
};

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

impl TensorSpec {
    /// Where it lies in a vector that begins with this number of all, as gradients do of which only the end is trained.
    pub(crate) fn after(&self, start: usize) -> Range<usize> {
        self.range.start - start..self.range.end - start
    }
}

/// A model's weights in f32.
#[derive(Clone, PartialEq, Debug)]
pub struct Weights {
    /// The model's shape.
    pub config: ModelConfig,
    /// In order: embedding, layer by layer, final norm, head (of words, unless tied; or of labels), and the narrow matrices beside
    /// those of the layers, if there are any.
    pub tensors: Vec<TensorSpec>,
    /// All tensors, one after another.
    pub data: Vec<f32>,
    /// Names of the numbers that its head gives, one for each row of `score.weight`; empty for a language model, whose
    /// head gives words.
    pub labels: Vec<String>,
    /// The narrow matrices that are trained in the place of the model's own; none if these are.
    pub low_rank: Option<LowRank>,
    /// The other files of its folder, which [`Weights::save`] writes along; empty for a model that came from none.
    pub folder: Arc<Folder>,
}

/// Deviation of the weights of a model that has not learned anything: the one transformers uses for this family.
pub(super) const INITIAL_DEVIATION: f64 = 0.02;

impl Weights {
    /// All zero, laid out for a language model of this shape.
    #[must_use]
    pub fn zeros(config: ModelConfig) -> Self {
        Self::laid_out(config, Vec::new())
    }

    /// All zero, laid out for this shape; with a head of labels in the place of the head of words if there are any.
    pub(super) fn laid_out(config: ModelConfig, labels: Vec<String>) -> Self {
        let (h, f, d) = (config.hidden_size, config.intermediate_size, config.head_dim);
        let (q, kv) = (config.num_attention_heads * d, config.num_key_value_heads * d);
        let mut named = vec![("model.embed_tokens.weight".to_owned(), vec![config.vocab_size, h])];
        let family = config.family;
        for i in 0..config.num_hidden_layers {
            // Matrices that the same states are multiplied by lie side by side, and so do the vectors added after them.
            let layer = [
                (true, "input_layernorm.weight", vec![h]),
                (true, "self_attn.q_proj.weight", vec![q, h]),
                (true, "self_attn.k_proj.weight", vec![kv, h]),
                (true, "self_attn.v_proj.weight", vec![kv, h]),
                (family.has_query_bias(), "self_attn.q_proj.bias", vec![q]),
                (family.has_query_bias(), "self_attn.k_proj.bias", vec![kv]),
                (family.has_query_bias(), "self_attn.v_proj.bias", vec![kv]),
                (family.has_head_norms(), "self_attn.q_norm.weight", vec![d]),
                (family.has_head_norms(), "self_attn.k_norm.weight", vec![d]),
                (true, "self_attn.o_proj.weight", vec![h, q]),
                (family.has_output_bias(), "self_attn.o_proj.bias", vec![h]),
                (true, "post_attention_layernorm.weight", vec![h]),
                (true, "mlp.gate_proj.weight", vec![f, h]),
                (true, "mlp.up_proj.weight", vec![f, h]),
                (family.has_feed_bias(), "mlp.gate_proj.bias", vec![f]),
                (family.has_feed_bias(), "mlp.up_proj.bias", vec![f]),
                (true, "mlp.down_proj.weight", vec![h, f]),
                (family.has_feed_bias(), "mlp.down_proj.bias", vec![h]),
            ];
            let there = layer.into_iter().filter(|(there, ..)| *there);
            named.extend(there.map(|(_, name, shape)| (format!("model.layers.{i}.{name}"), shape)));
        }
        named.push(("model.norm.weight".to_owned(), vec![h]));
        if !labels.is_empty() {
            named.push((SCORE.to_owned(), vec![labels.len(), h]));
        } else if !config.tie_word_embeddings {
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
        let mut data = vec![0.0; end];
        prefer_large_pages(&mut data);
        Weights { config, tensors, data, labels, low_rank: None, folder: Arc::default() }
    }

    /// A model that has not learned anything: norms at 1, vectors that are added at 0, everything else drawn from a normal distribution around 0
    /// with deviation 0.02. The same seed gives the same weights.
    #[must_use]
    pub fn random(config: ModelConfig, seed: u64) -> Self {
        Self::random_within(config, INITIAL_DEVIATION, seed)
    }

    /// The same with matrices of another standard deviation: small models learn faster from larger ones.
    #[must_use]
    pub fn random_within(config: ModelConfig, deviation: f64, seed: u64) -> Self {
        let mut weights = Weights::zeros(config);
        let mut random = Random::new(seed);
        for tensor in &weights.tensors {
            let values = &mut weights.data[tensor.range.clone()];
            match tensor.shape.len() {
                1 if tensor.name.ends_with(".bias") => values.fill(0.0),
                // All other vectors are norms' weights.
                1 => values.fill(1.0),
                _ => draw(values, deviation, &mut random),
            }
        }
        weights
    }
}

/// Draws weights from a normal distribution around 0.
pub(super) fn draw(values: &mut [f32], deviation: f64, random: &mut Random) {
    for pair in values.chunks_mut(2) {
        let draws = <[f64; 2]>::from(random.normal_pair());
        pair.iter_mut().zip(draws).for_each(|(w, draw)| *w = (deviation * draw) as f32);
    }
}

/// Weights and their gradient, shared by an engine (which reads the one and adds to the other) and an
/// optimizer (which reads the other and changes the one).
#[derive(Debug)]
pub struct Parameters {
    /// The weights.
    pub weights: RwLock<Weights>,
    /// `d loss / d weights.data`, accumulated, for the part that is trained ([`Weights::trained`]).
    pub gradient: Mutex<Vec<f32>>,
    /// How often [`Parameters::change`] was called.
    changes: AtomicU64,
}

impl Parameters {
    /// With a gradient of zero.
    #[must_use]
    pub fn new(weights: Weights) -> Self {
        let gradient = Mutex::new(vec![0.0; weights.trained().len()]);
        Parameters { weights: RwLock::new(weights), gradient, changes: AtomicU64::default() }
    }

    /// Frozen: an empty gradient, which costs nothing and which nothing may be added to.
    #[must_use]
    pub fn frozen(weights: Weights) -> Self {
        Parameters { weights: RwLock::new(weights), gradient: Mutex::new(Vec::new()), changes: AtomicU64::default() }
    }

    /// Holds the weights to read them.
    ///
    /// # Panics
    /// If a thread panicked while it held the weights.
    pub(crate) fn held(&self) -> RwLockReadGuard<'_, Weights> {
        self.weights.read().expect("no thread panicked while it held the weights")
    }

    /// Changes the weights, and lets engines that keep a copy of them know.
    ///
    /// # Panics
    /// If a thread panicked while it held the weights.
    pub fn change<T>(&self, change: impl FnOnce(&mut Weights) -> T) -> T {
        let result = change(&mut self.weights.write().expect("no thread panicked while it held the weights"));
        self.changes.fetch_add(1, Ordering::Release);
        result
    }

    /// Another number after every change.
    pub(crate) fn version(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }
}

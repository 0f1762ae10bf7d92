//! Where each weight lies in the flat vector, with neighbours that are multiplied together taken as one.

use super::backend::Columns;
use crate::model::{LowRank, Weights, low_rank};
use std::ops::Range;

/// A matrix `[out, inner]` in the flat vector of weights.
#[derive(Clone, Debug)]
pub(super) struct Projection {
    pub(super) range: Range<usize>,
    pub(super) out: usize,
    pub(super) inner: usize,
}

/// A pair of narrow matrices beside a matrix, or beside some rows of one: `y[columns] += scale B A x`.
#[derive(Clone, Debug)]
pub(super) struct Adapter {
    /// The numbers of the result that it adds to.
    columns: Range<usize>,
    pub(super) a: Projection,
    pub(super) b: Projection,
    /// Where their gradients lie, in the gradient of what is trained.
    pub(super) gradient: [Projection; 2],
    pub(super) scale: f32,
}

impl Adapter {
    /// The numbers that it adds to, of the result of the whole.
    pub(super) fn columns(&self, whole: &Projection) -> Columns {
        Columns { range: self.columns.clone(), of: whole.out }
    }
}

/// A matrix that states are multiplied by, and what is trained beside it.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    pub(super) whole: Projection,
    /// What is added after the product, if anything is.
    pub(super) bias: Option<Range<usize>>,
    pub(super) adapters: Vec<Adapter>,
}

/// The weights of a layer.
#[derive(Clone, Debug)]
pub(super) struct LayerMap {
    pub(super) attention_norm: Range<usize>,
    /// Queries, keys and values, one below the other.
    pub(super) qkv: Linear,
    /// What each head of queries and what each of keys is normalised with, one after the other, in a model that does so.
    pub(super) head_norms: Option<Range<usize>>,
    pub(super) o: Linear,
    pub(super) feed_norm: Range<usize>,
    /// Gates and ups, one below the other.
    pub(super) gate_up: Linear,
    pub(super) down: Linear,
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
    /// Is all of it trained? If not, only narrow matrices are, and a head that gives values.
    pub(super) whole: bool,
    /// Where what is trained begins.
    trained: usize,
}

impl Projection {
    /// The same, in a vector that begins later.
    fn after(&self, start: usize) -> Self {
        Projection { range: self.range.start - start..self.range.end - start, ..*self }
    }
}

impl Map {
    pub(super) fn new(weights: &Weights) -> Self {
        Self::with(weights, weights.low_rank)
    }

    /// Of the model without the narrow matrices beside its own.
    pub(super) fn bare(weights: &Weights) -> Self {
        Self::with(weights, None)
    }

    /// Where the gradient of a head that gives values lies, in the gradient of what is trained.
    pub(super) fn values_gradient(&self) -> Option<Projection> {
        self.values.as_ref().map(|values| values.after(self.trained))
    }

    fn with(weights: &Weights, low_rank: Option<LowRank>) -> Self {
        let config = &weights.config;
        let trained = weights.trained().start;
        let vector = |name: &str| find(weights, name);
        let layers = (0..config.num_hidden_layers).map(|i| {
            let name = |part: &str| format!("model.layers.{i}.{part}.weight");
            let stack = |parts: &[&str], inner: usize| {
                let ranges: Vec<_> = parts.iter().map(|part| find(weights, &name(part))).collect();
                let range = joined(&ranges);
                let biases = parts.iter().map(|part| Some(weights.tensor(&low_rank::bias(&name(part)))?.range.clone()));
                let bias = biases.collect::<Option<Vec<_>>>().map(|biases| joined(&biases));
                let mut end = 0;
                let adapters = parts.iter().zip(ranges).filter_map(|(part, range)| {
                    let columns = end..end + range.len() / inner;
                    end = columns.end;
                    low_rank.map(|low_rank| adapter(weights, low_rank, &name(part), columns, inner))
                });
                let adapters = adapters.collect();
                Linear { whole: Projection { out: range.len() / inner, range, inner }, bias, adapters }
            };
            let head_norms = || joined(&["self_attn.q_norm", "self_attn.k_norm"].map(|part| vector(&name(part))));
            LayerMap {
                attention_norm: vector(&name("input_layernorm")),
                qkv: stack(&["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"], config.hidden_size),
                head_norms: config.family.has_head_norms().then(head_norms),
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
        let whole = weights.low_rank.is_none();
        Map { layers: layers.collect(), whole, trained, norm: vector("model.norm.weight"), embedding, head, values }
    }
}

/// The narrow matrices beside one, whose result has these columns.
fn adapter(weights: &Weights, low_rank: LowRank, of: &str, columns: Range<usize>, inner: usize) -> Adapter {
    let [a, b] = low_rank::names(of).map(|name| find(weights, &name));
    let a = Projection { range: a, out: low_rank.rank, inner };
    let b = Projection { range: b, out: columns.len(), inner: low_rank.rank };
    let start = weights.trained().start;
    Adapter { columns, gradient: [a.after(start), b.after(start)], a, b, scale: low_rank.scale() }
}

/// The ranges as one.
fn joined(ranges: &[Range<usize>]) -> Range<usize> {
    assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start), "{ranges:?} lie side by side");
    ranges[0].start..ranges[ranges.len() - 1].end
}

fn find(weights: &Weights, name: &str) -> Range<usize> {
    weights.tensor(name).unwrap_or_else(|| panic!("every layout of weights has {name}")).range.clone()
}

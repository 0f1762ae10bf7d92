//! The decoder: embedding, layers, head. Shapes stand beside the values: `t` tokens, `h` hidden, `v` vocabulary.

use super::super::{ModelConfig, Sequences, Span, ValuesAt, low_rank};
use crate::Result;
use crate::bridge::{Traced, Track, refused};
use dfdx::prelude::{
    Axes2, Axis, BroadcastTo, Device, GatherTo, PermuteTo, SelectTo, SumTo, Tensor, TryAdd, TryMatMul, TryMul,
};
use std::collections::HashMap;

pub(super) type Vector<D> = Traced<(usize,), D>;
pub(super) type Rows<D> = Traced<(usize, usize), D>;

pub(super) struct Decoder<'a, D: Device<f32>> {
    pub(super) device: &'a D,
    pub(super) config: &'a ModelConfig,
    /// What the products of narrow matrices are multiplied by; none if there are none to be read.
    pub(super) scale: Option<f32>,
    pub(super) vectors: HashMap<&'a str, Vector<D>>,
    pub(super) matrices: HashMap<&'a str, Rows<D>>,
    pub(super) track: Track<D>,
}

impl<D: Device<f32>> Decoder<'_, D> {
    /// The log-probability of each scored token of one sequence.
    pub(super) fn score(&mut self, batch: &Sequences, span: &Span) -> Result<Vector<D>> {
        let logp = self.words(batch, span)?;
        let targets: Vec<usize> = batch.tokens[span.scored.clone()].iter().map(|token| *token as usize).collect();
        let count = targets.len();
        let targets = self.device.try_tensor_from_vec(targets, (count,)).map_err(refused)?;
        self.track.one(&logp, |logp| logp.try_select(targets)) // (t)
    }

    /// The log-probabilities of all words at each scored token of one sequence: `(t, v)`.
    pub(super) fn words(&mut self, batch: &Sequences, span: &Span) -> Result<Rows<D>> {
        let x = self.states(batch, span)?;
        let x = self.taken(&x, &before(span))?;
        let tied = self.config.tie_word_embeddings;
        let logits = self.projected(&x, if tied { "model.embed_tokens.weight" } else { "lm_head.weight" })?; // (t, v)
        self.track.one(&logits, Tensor::try_log_softmax::<Axis<1>>)
    }

    /// The values of all labels at the states asked for: `(states, labels)`.
    pub(super) fn values(&mut self, batch: &Sequences, span: &Span, at: ValuesAt) -> Result<Rows<D>> {
        let x = self.states(batch, span)?;
        let rows = match at {
            ValuesAt::Scored => before(span),
            ValuesAt::End => vec![span.range.len() - 1],
        };
        let x = self.taken(&x, &rows)?;
        self.projected(&x, "score.weight")
    }

    /// The state of every token of one sequence after the last norm: `(t, h)`.
    fn states(&mut self, batch: &Sequences, span: &Span) -> Result<Rows<D>> {
        let tokens = &batch.tokens[span.range.clone()];
        let read: Vec<usize> = tokens.iter().map(|token| *token as usize).collect();
        let embedding = self.matrices["model.embed_tokens.weight"].clone();
        let mut x = self.taken(&embedding, &read)?; // (t, h)
        for layer in 0..self.config.num_hidden_layers {
            let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
            let normed = self.norm(&x, &name("input_layernorm"))?;
            let mixed = self.attention(&normed, name)?;
            x = self.track.two(&x, &mixed, |x, mixed| x.try_add(mixed))?;
            let normed = self.norm(&x, &name("post_attention_layernorm"))?;
            let fed = self.feed_forward(&normed, name)?;
            x = self.track.two(&x, &fed, |x, fed| x.try_add(fed))?;
        }
        self.norm(&x, "model.norm.weight")
    }

    /// Rows by number.
    fn taken(&mut self, x: &Rows<D>, rows: &[usize]) -> Result<Rows<D>> {
        let rows = self.device.try_tensor_from_vec(rows.to_vec(), (rows.len(),)).map_err(refused)?;
        self.track.one(x, |x| x.try_gather(rows))
    }

    /// `x / sqrt(mean(x^2) + eps) * weight`, row by row
    pub(super) fn norm(&mut self, x: &Rows<D>, weight: &str) -> Result<Rows<D>> {
        let (shape, eps) = (*dfdx::prelude::HasShape::shape(&x.value), self.config.rms_norm_eps as f32);
        let inverse = self.track.one(x, |x| {
            let mean = x.try_square()?.try_sum::<(usize,), Axis<1>>()?.try_mul(1.0 / shape.1 as f32)?;
            mean.try_add(eps)?.try_sqrt()?.try_recip()?.try_broadcast_like::<_, Axis<1>>(&shape)
        })?;
        let unit = self.track.two(x, &inverse, |x, inverse| x.try_mul(inverse))?;
        let weight = self.vectors[weight].clone();
        let weight = self.track.one(&weight, |weight| weight.try_broadcast_like::<_, Axis<0>>(&shape))?;
        self.track.two(&unit, &weight, |unit, weight| unit.try_mul(weight))
    }

    /// `x` times the transposed matrix, which is stored as `[out, in]`, and what is added to that: a vector, and what the narrow
    /// matrices beside it give
    pub(super) fn projected(&mut self, x: &Rows<D>, matrix: &str) -> Result<Rows<D>> {
        let y = self.product(x, matrix)?;
        let y = self.shifted(y, &low_rank::bias(matrix))?;
        let [a, b] = low_rank::names(matrix);
        let Some(scale) = self.scale.filter(|_| self.matrices.contains_key(a.as_str())) else { return Ok(y) };
        let low = self.product(x, &a)?;
        let added = self.product(&low, &b)?;
        let added = self.track.one(&added, |added| added.try_mul(scale))?;
        self.track.two(&y, &added, |y, added| y.try_add(added))
    }

    /// Each row and the vector of this name, if the model has one.
    fn shifted(&mut self, y: Rows<D>, vector: &str) -> Result<Rows<D>> {
        let Some(vector) = self.vectors.get(vector).cloned() else { return Ok(y) };
        let shape = *dfdx::prelude::HasShape::shape(&y.value);
        let vector = self.track.one(&vector, |vector| vector.try_broadcast_like::<_, Axis<0>>(&shape))?;
        self.track.two(&y, &vector, |y, vector| y.try_add(vector))
    }

    fn product(&mut self, x: &Rows<D>, matrix: &str) -> Result<Rows<D>> {
        let matrix = self.matrices[matrix].clone();
        let transposed = self.track.one(&matrix, |matrix| matrix.try_permute::<_, Axes2<1, 0>>())?;
        self.track.two(x, &transposed, |x, transposed| x.try_matmul(transposed))
    }

    /// `down(silu(gate(x)) * up(x))` with `silu(g) = g * sigmoid(g)`
    fn feed_forward(&mut self, x: &Rows<D>, name: impl Fn(&str) -> String) -> Result<Rows<D>> {
        let gate = self.projected(x, &name("mlp.gate_proj"))?;
        let sigmoid = self.track.one(&gate, Tensor::try_sigmoid)?;
        let gate = self.track.two(&gate, &sigmoid, |gate, sigmoid| gate.try_mul(sigmoid))?;
        let up = self.projected(x, &name("mlp.up_proj"))?;
        let gated = self.track.two(&gate, &up, |gate, up| gate.try_mul(up))?;
        self.projected(&gated, &name("mlp.down_proj"))
    }
}

/// The row before each scored token, which says how likely it is.
fn before(span: &Span) -> Vec<usize> {
    let scored = span.scored.start - span.range.start..span.scored.end - span.range.start;
    scored.map(|place| place - 1).collect()
}

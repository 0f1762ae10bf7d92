//! Causal attention with rotary positions. Shapes stand beside the values: `n` heads, `t` tokens, `d` width of a head.

use super::decoder::{Decoder, Rows};
use crate::Result;
use crate::bridge::{Traced, refused};
use dfdx::prelude::{
    Axes3, Axis, BroadcastTo, Device, GatherTo, HasShape, PermuteTo, ReshapeTo, Tensor, TryAdd, TryMatMul, TryMul,
};

type Heads<D> = Traced<(usize, usize, usize), D>;

/// Added to the score of a token that comes later: its share becomes exactly 0, and its gradient too.
const LATER: f32 = -1e30;

impl<D: Device<f32>> Decoder<'_, D> {
    pub(super) fn attention(&mut self, x: &Rows<D>, name: impl Fn(&str) -> String) -> Result<Rows<D>> {
        let (length, _) = *x.value.shape();
        let (heads, width) = (self.config.num_attention_heads, self.config.head_dim);
        let query = self.projected(x, &name("self_attn.q_proj"))?;
        let key = self.projected(x, &name("self_attn.k_proj"))?;
        let value = self.projected(x, &name("self_attn.v_proj"))?;
        let query = self.head_norm(&query, &name("self_attn.q_norm"))?;
        let query = self.by_head(&query, heads)?; // (n, t, d)
        let query = self.rotated(&query)?;
        let key = self.head_norm(&key, &name("self_attn.k_norm"))?;
        let key = self.by_head(&key, self.config.num_key_value_heads)?;
        let key = self.rotated(&key)?;
        let key = self.for_every_query(&key)?; // (n, t, d)
        let value = self.by_head(&value, self.config.num_key_value_heads)?;
        let value = self.for_every_query(&value)?; // (n, t, d)
        let key = self.track.one(&key, |key| key.try_permute::<_, Axes3<0, 2, 1>>())?; // (n, d, t)
        let scale = 1.0 / (width as f32).sqrt();
        let scores = self.track.two(&query, &key, |query, key| query.try_matmul(key)?.try_mul(scale))?; // (n, t, t)
        let mask = Traced::fixed(self.table(length, length, |row, column| if column > row { LATER } else { 0.0 })?);
        let mask = self.track.one(&mask, |m| m.try_broadcast_like::<_, Axis<0>>(&(heads, length, length)))?;
        let scores = self.track.two(&scores, &mask, |scores, mask| scores.try_add(mask))?;
        let shares = self.track.one(&scores, Tensor::try_softmax::<Axis<2>>)?;
        let mixed = self.track.two(&shares, &value, |shares, value| shares.try_matmul(value))?; // (n, t, d)
        let mixed = self.track.one(&mixed, |mixed| {
            mixed.try_permute::<_, Axes3<1, 0, 2>>()?.try_reshape_like(&(length, heads * width))
        })?;
        self.projected(&mixed, &name("self_attn.o_proj"))
    }

    /// Each head normalised by itself, in a model that does so.
    fn head_norm(&mut self, x: &Rows<D>, weight: &str) -> Result<Rows<D>> {
        if !self.config.family.has_head_norms() {
            return Ok(x.clone());
        }
        let (shape, width) = (*x.value.shape(), self.config.head_dim);
        let heads = (shape.0 * shape.1 / width, width);
        let x = self.track.one(x, |x| x.try_reshape_like(&heads))?;
        let x = self.norm(&x, weight)?;
        self.track.one(&x, |x| x.try_reshape_like(&shape))
    }

    /// `(t, n d)` to `(n, t, d)`
    fn by_head(&mut self, x: &Rows<D>, heads: usize) -> Result<Heads<D>> {
        let shape = (x.value.shape().0, heads, self.config.head_dim);
        self.track.one(x, |x| x.try_reshape_like(&shape)?.try_permute::<_, Axes3<1, 0, 2>>())
    }

    /// Each key or value head once for every query head it serves.
    fn for_every_query(&mut self, x: &Heads<D>) -> Result<Heads<D>> {
        let group = self.config.num_attention_heads / self.config.num_key_value_heads;
        let heads: Vec<usize> = (0..self.config.num_attention_heads).map(|head| head / group).collect();
        let heads = self.device.try_tensor_from_vec(heads, (self.config.num_attention_heads,)).map_err(refused)?;
        self.track.one(x, |x| x.try_gather(heads))
    }

    /// Turns each pair `(i, i + d/2)` of a head by its frequency times the position:
    /// `x * cos + (-second half, first half) * sin`. The halves are swapped by a matrix of ones and minus ones.
    fn rotated(&mut self, x: &Heads<D>) -> Result<Heads<D>> {
        let shape = *x.value.shape();
        let (_, length, width) = shape;
        let frequencies = self.config.rotary_frequencies();
        let half = width / 2;
        let angle = |position: usize, i: usize| position as f64 * frequencies[i % half];
        let cosine = self.table(length, width, |position, i| angle(position, i).cos() as f32)?;
        let sine = self.table(length, width, |position, i| angle(position, i).sin() as f32)?;
        let swap = self.table(width, width, |from, to| match (from + half == to, to + half == from) {
            (true, _) => 1.0,
            (_, true) => -1.0,
            (false, false) => 0.0,
        })?;
        let along = |track: &mut crate::bridge::Track<D>, table| {
            track.one(&Traced::fixed(table), |table| table.try_broadcast_like::<_, Axis<0>>(&shape))
        };
        let (cosine, sine) = (along(&mut self.track, cosine)?, along(&mut self.track, sine)?);
        let kept = self.track.two(x, &cosine, |x, cosine| x.try_mul(cosine))?;
        let swapped = self.track.two(x, &Traced::fixed(swap), |x, swap| x.try_matmul(swap))?;
        let turned = self.track.two(&swapped, &sine, |swapped, sine| swapped.try_mul(sine))?;
        self.track.two(&kept, &turned, |kept, turned| kept.try_add(turned))
    }

    /// A constant table of numbers.
    fn table(
        &self,
        rows: usize,
        columns: usize,
        number: impl Fn(usize, usize) -> f32,
    ) -> Result<Tensor<(usize, usize), f32, D>> {
        let values = (0..rows * columns).map(|i| number(i / columns, i % columns)).collect();
        self.device.try_tensor_from_vec(values, (rows, columns)).map_err(refused)
    }
}

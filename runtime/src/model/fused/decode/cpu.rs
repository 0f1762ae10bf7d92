//! What decoding asks of the CPU.

use super::super::{
    backend::{Backend, Write},
    cpu::{CpuBackend, Held},
    map::Projection,
};
use super::Continues;
use crate::{
    Result,
    sample::{Choice, Sampling, choose},
};
use collimate_kernels::{
    attention::{self, Reach},
    matrix::{multiply_few, multiply_few_halves},
    stored::Stored,
};
use rayon::prelude::*;
use std::sync::Arc;

/// Up to this many rows, a product is quicker without rearranging the weight for it.
const FEW: usize = 16;

/// Keys and values of a layer, `[rows, key heads * width]` each.
#[derive(Debug, Default)]
pub(in super::super) struct LayerCache {
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl Continues for CpuBackend {
    type Cache = LayerCache;
    type Scores = Arc<[f32]>;

    fn cache(&self) -> LayerCache {
        LayerCache::default()
    }

    fn grow(&self, cache: &mut LayerCache, rows: usize) {
        let heads = self.shape().heads;
        cache.keys.resize(rows * heads.key * heads.width, 0.0);
        cache.values.resize(rows * heads.key * heads.width, 0.0);
    }

    fn keep(&self, cache: &mut LayerCache, qkv: &[f32], rows: &[u32]) {
        let heads = self.shape().heads;
        let width = heads.key * heads.width;
        for (qkv, &row) in qkv.chunks_exact(heads.row()).zip(rows) {
            let (keys, values) = qkv[heads.out()..].split_at(width);
            cache.keys[row as usize * width..][..width].copy_from_slice(keys);
            cache.values[row as usize * width..][..width].copy_from_slice(values);
        }
    }

    fn attention_step(&self, out: &mut [f32], qkv: &[f32], cache: &LayerCache, reaches: &[Reach]) {
        attention::step(out, qkv, &cache.keys, &cache.values, reaches, self.shape().heads);
    }

    fn linear_few(&self, y: &mut [f32], write: Write, x: &[f32], weights: &Held, w: &Projection) {
        match weights.stored().part(w.range.clone()) {
            Stored::Whole(weight) if x.len() / w.inner <= FEW => multiply_few(y, write, x, weight, w.inner),
            Stored::Halves(weight) if x.len() / w.inner <= FEW => multiply_few_halves(y, write, x, weight, w.inner),
            _ => self.linear(y, write, x, weights, w),
        }
    }

    fn scores(&self, normed: &[f32], weights: &Held, head: &Projection) -> Vec<Arc<[f32]>> {
        let mut scores = vec![0.0; normed.len() / head.inner * head.out];
        self.linear_few(&mut scores, Write::Set, normed, weights, head);
        scores.chunks_exact(head.out).map(Arc::from).collect()
    }

    fn choose(&self, scores: &[Arc<[f32]>], draws: &[f64], settings: &Sampling) -> Vec<Choice> {
        scores.par_iter().zip(draws).map(|(scores, &draw)| choose(scores, settings, draw)).collect()
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }
}

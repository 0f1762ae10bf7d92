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
    attention::{self, Cache, Reach},
    matrix::{multiply_few, multiply_few_halves},
    stored::Stored,
};
use rayon::prelude::*;
use std::sync::Arc;

/// Up to this many rows, a product is quicker without rearranging the weight for it.
const FEW: usize = 16;

impl Continues for CpuBackend {
    type Cache = Cache;
    type Scores = Arc<[f32]>;

    fn cache(&self) -> Cache {
        Cache::new(self.shape().heads)
    }

    fn grow(&self, cache: &mut Cache, rows: usize) {
        cache.grow(rows);
    }

    fn keep(&self, cache: &mut Cache, qkv: &[f32], rows: &[u32]) {
        cache.keep(qkv, rows);
    }

    fn attention_step(&self, out: &mut [f32], qkv: &[f32], cache: &Cache, reaches: &[Reach]) {
        attention::step(out, qkv, cache, reaches);
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

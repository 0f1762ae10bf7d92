//! What decoding asks of the CPU.

use super::super::{
    backend::{Backend, Write},
    cpu::{CpuBackend, Held},
    map::Projection,
    pool::Buffer,
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
use std::{
    ops::{Deref, Range},
    sync::Arc,
};

/// Up to this many rows, a product is quicker without rearranging the weight for it.
const FEW: usize = 16;

/// The scores of all words for one row of those that were read together. Their memory is used again when none of them is left.
#[derive(Clone, Debug)]
pub(in super::super) struct Scores {
    all: Arc<Buffer>,
    range: Range<usize>,
}

impl Deref for Scores {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.all[self.range.clone()]
    }
}

impl Continues for CpuBackend {
    type Cache = Cache;
    type Scores = Scores;

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

    fn scores(&self, normed: &[f32], weights: &Held, head: &Projection) -> Vec<Scores> {
        let rows = normed.len() / head.inner;
        let mut all = self.buffer(rows * head.out);
        self.linear_few(&mut all, Write::Set, normed, weights, head);
        let all = Arc::new(all);
        (0..rows).map(|row| Scores { all: Arc::clone(&all), range: row * head.out..(row + 1) * head.out }).collect()
    }

    fn choose(&self, scores: &[Scores], draws: &[f64], settings: &Sampling) -> Vec<Choice> {
        scores.par_iter().zip(draws).map(|(scores, &draw)| choose(scores, settings, draw)).collect()
    }

    fn check(&self) -> Result<()> {
        Ok(())
    }
}

//! Token by token: the keys and values of what was read are kept, and each step adds one token to every sequence.

use super::{
    backend::{Backend, Write},
    cpu::CpuBackend,
    decoder::Decoder,
    plan::Plan,
    pool::Buffer,
};
use crate::{
    Result,
    model::{Sequences, Weights},
};
use collimate_kernels::{
    attention::{self, Reach},
    embedding,
    matrix::{Matrix, MatrixMut, Threads, multiply, multiply_few},
    rms_norm, rotary,
};
use std::ops::Range;

/// Up to this many rows, a product is quicker without rearranging the weight for it.
const FEW: usize = 16;

/// A model that reads prompts and continues them.
pub(crate) struct Decoding<'a> {
    decoder: Decoder<CpuBackend>,
    weights: &'a Weights,
    cache: Cache,
}

/// Keys and values of every layer, one row for each token read. Rows are given out in blocks and come back.
struct Cache {
    layers: Vec<LayerCache>,
    /// Numbers in a row of keys, and in a row of values.
    width: usize,
    rows: usize,
    free: Vec<Range<usize>>,
}

#[derive(Clone, Default)]
struct LayerCache {
    keys: Vec<f32>,
    values: Vec<f32>,
}

/// A token to be read, and what it sees.
#[derive(Clone, Debug)]
pub(crate) struct Next {
    pub(crate) token: u32,
    /// Its place in its sequence.
    pub(crate) position: u32,
    /// Rows of the cache. Its own keys and values go to the last of them.
    pub(crate) reach: Reach,
}

impl<'a> Decoding<'a> {
    pub(crate) fn new(weights: &'a Weights) -> Self {
        let decoder = Decoder::new(weights, CpuBackend::new);
        let heads = decoder.backend.shape().heads;
        let layers = vec![LayerCache::default(); decoder.map.layers.len()];
        let cache = Cache { layers, width: heads.key * heads.width, rows: 0, free: Vec::new() };
        Decoding { decoder, weights, cache }
    }

    /// A block of rows for tokens to come.
    pub(crate) fn reserve(&mut self, rows: usize) -> Range<usize> {
        self.cache.reserve(rows)
    }

    /// Gives a block back.
    pub(crate) fn release(&mut self, rows: Range<usize>) {
        self.cache.free.push(rows);
    }

    /// Reads prompts into blocks of the cache; answers with the scores of all words after each, prompt after prompt.
    ///
    /// # Errors
    /// If a prompt is longer than the model's positions, or a token outside its vocabulary.
    pub(crate) fn read(&mut self, prompts: &[(&[u32], Range<usize>)]) -> Result<Vec<f32>> {
        let mut batch = Sequences::default();
        prompts.iter().for_each(|(prompt, _)| batch.push(prompt, &[]));
        let plan = Plan::prompts(&batch, &self.weights.config)?;
        let heads = self.decoder.backend.shape().heads;
        let mut x = self.decoder.embed(&self.weights.data, &plan);
        for (index, cache) in self.cache.layers.iter_mut().enumerate() {
            let layer = self.decoder.layer(index, &self.weights.data, &plan);
            let trace;
            (x, trace) = layer.attend(x);
            for (sequence, (_, rows)) in plan.sequences().zip(prompts) {
                for (token, row) in sequence.zip(rows.clone()) {
                    let qkv = &trace.qkv[token * heads.row()..][..heads.row()];
                    cache.store(row, self.cache.width, &qkv[heads.out()..]);
                }
            }
            drop(layer.feed(&mut x));
        }
        Ok(self.scores(&x))
    }

    /// Reads one token of each of some sequences; answers with the scores of all words after each.
    ///
    /// The weights are read once for all of them, and the scores of a sequence depend on the others by no more than rounding.
    pub(crate) fn step(&mut self, next: &[Next]) -> Vec<f32> {
        let backend = &self.decoder.backend;
        let (shape, numbers) = (backend.shape(), &self.weights.data);
        let (rows, heads) = (next.len(), shape.heads);
        let tokens: Vec<u32> = next.iter().map(|next| next.token).collect();
        let positions: Vec<u32> = next.iter().map(|next| next.position).collect();
        let reaches: Vec<Reach> = next.iter().map(|next| next.reach.clone()).collect();
        let angles = backend.angles(positions.iter().map(|&p| p as usize + 1).max().unwrap_or(0));

        let mut x = backend.buffer(rows * shape.hidden);
        embedding::gather(&mut x, &numbers[self.decoder.map.embedding.clone()], &tokens, shape.hidden);
        let mut normed = backend.buffer(rows * shape.hidden);
        let mut inverse = backend.buffer(rows);
        let mut qkv = backend.buffer(rows * heads.row());
        let mut out = backend.buffer(rows * heads.out());
        let mut gate_up = backend.buffer(rows * 2 * shape.intermediate);
        let mut gated = backend.buffer(rows * shape.intermediate);
        for (map, cache) in self.decoder.map.layers.iter().zip(&mut self.cache.layers) {
            rms_norm::forward(&mut normed, &mut inverse, &x, &numbers[map.attention_norm.clone()], shape.epsilon);
            linear(&mut qkv, Write::Set, &normed, &numbers[map.qkv.range.clone()], map.qkv.inner);
            rotary::turn(&mut qkv, heads.row(), heads.query + heads.key, &angles, &positions);
            for (qkv, reach) in qkv.chunks_exact(heads.row()).zip(&reaches) {
                cache.store(reach.own.end - 1, self.cache.width, &qkv[heads.out()..]);
            }
            attention::step(&mut out, &qkv, &cache.keys, &cache.values, &reaches, heads);
            linear(&mut x, Write::Add, &out, &numbers[map.o.range.clone()], map.o.inner);
            rms_norm::forward(&mut normed, &mut inverse, &x, &numbers[map.feed_norm.clone()], shape.epsilon);
            linear(&mut gate_up, Write::Set, &normed, &numbers[map.gate_up.range.clone()], map.gate_up.inner);
            backend.gate(&mut gated, &gate_up);
            linear(&mut x, Write::Add, &gated, &numbers[map.down.range.clone()], map.down.inner);
        }
        self.scores(&x)
    }

    /// The scores of all words for rows that have not been through the last norm.
    fn scores(&self, hidden: &Buffer) -> Vec<f32> {
        let (map, shape) = (&self.decoder.map, self.decoder.backend.shape());
        let rows = hidden.len() / shape.hidden;
        let mut normed = self.decoder.backend.buffer(hidden.len());
        let norm = &self.weights.data[map.norm.clone()];
        rms_norm::forward(&mut normed, &mut vec![0.0; rows], hidden, norm, shape.epsilon);
        let mut scores = vec![0.0; rows * self.weights.config.vocab_size];
        linear(&mut scores, Write::Set, &normed, &self.weights.data[map.head.clone()], shape.hidden);
        scores
    }
}

/// `y = x Wᵀ`, or `y += x Wᵀ`.
fn linear(y: &mut [f32], write: Write, x: &[f32], weight: &[f32], inner: usize) {
    let (rows, out) = (x.len() / inner, weight.len() / inner);
    if rows <= FEW {
        return multiply_few(y, write, x, weight, inner);
    }
    let weight = Matrix::new(weight, out, inner).transposed();
    multiply(MatrixMut::new(y, rows, out), write, Matrix::new(x, rows, inner), weight, Threads::All);
}

impl Cache {
    fn reserve(&mut self, rows: usize) -> Range<usize> {
        // Blocks come back in the sizes they were given out in, which are few.
        if let Some(place) = self.free.iter().position(|block| block.len() == rows) {
            return self.free.swap_remove(place);
        }
        let block = self.rows..self.rows + rows;
        self.rows = block.end;
        for layer in &mut self.layers {
            layer.keys.resize(self.rows * self.width, 0.0);
            layer.values.resize(self.rows * self.width, 0.0);
        }
        block
    }
}

impl LayerCache {
    /// Stores the keys and values of one token, which lie one after the other.
    fn store(&mut self, row: usize, width: usize, keys_and_values: &[f32]) {
        let (keys, values) = keys_and_values.split_at(width);
        self.keys[row * width..][..width].copy_from_slice(keys);
        self.values[row * width..][..width].copy_from_slice(values);
    }
}

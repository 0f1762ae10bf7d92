//! Token by token: the keys and values of what was read are kept, and each step adds one token to every sequence.
//!
//! It is written once against the operations of a device, as the decoder is; `cpu` has those of the CPU, `gpu/decode` those of
//! a GPU.

mod cpu;
pub(super) mod rows;

use super::{
    backend::{Backend, Write},
    cpu::CpuBackend,
    decoder::{Decoder, part},
    map::{Linear, Projection},
    plan::Plan,
};
use crate::{
    Result,
    model::{ModelConfig, Sequences, Weights},
    sample::{Choice, Sampling},
};
use collimate_kernels::{attention::Reach, stored::bf16};
use rows::Rows;
use std::ops::Range;

/// A token to be read, and what it sees.
#[derive(Clone, Debug)]
pub(crate) struct Next {
    pub(crate) token: u32,
    /// Its place in its sequence.
    pub(crate) position: u32,
    /// Rows of the cache. Its own keys and values go to the last of them.
    pub(crate) reach: Reach,
}

/// A model that reads prompts and continues them.
pub(crate) trait Continuing: Send {
    /// The scores of all words for the next token of one sequence.
    type Scores: Clone + Send + Sync;

    /// A block of rows for tokens to come.
    fn reserve(&mut self, rows: usize) -> Range<usize>;

    /// Gives a block back.
    fn release(&mut self, rows: Range<usize>);

    /// Reads prompts into blocks of the cache; answers with the scores after each.
    ///
    /// # Errors
    /// If a prompt is longer than the model's positions, a token outside its vocabulary, or the device fails.
    fn read(&mut self, prompts: &[(&[u32], Range<usize>)]) -> Result<Vec<Self::Scores>>;

    /// Reads one token of each of some sequences; answers with the scores after each, which are good until the next step.
    ///
    /// The weights are read once for all of them, and the scores of a sequence depend on the others by no more than rounding.
    ///
    /// # Errors
    /// If the device fails.
    fn step(&mut self, next: &[Next]) -> Result<Vec<Self::Scores>>;

    /// A word for each sequence; `draws` has a number from 0 up to but without 1 for each.
    ///
    /// # Errors
    /// If the device fails.
    fn choose(&self, scores: &[Self::Scores], draws: &[f64], settings: &Sampling) -> Result<Vec<Choice>>;
}

/// What a device must be able to do besides a [`Backend`]'s operations.
pub(super) trait Continues: Backend {
    /// Keys and values of a layer, one row for each token read.
    type Cache: Send;
    /// As [`Continuing::Scores`].
    type Scores: Clone + Send + Sync;

    /// With no rows.
    fn cache(&self) -> Self::Cache;
    /// With this many rows, of which the first are those there were.
    fn grow(&self, cache: &mut Self::Cache, rows: usize);
    /// Keeps the keys and values of each row of `qkv`, in these rows of the cache.
    fn keep(&self, cache: &mut Self::Cache, qkv: &Self::Slice, rows: &[u32]);
    /// The queries of one token each for many sequences, whose keys and values are in the cache already.
    fn attention_step(&self, out: &mut Self::Slice, qkv: &Self::Slice, cache: &Self::Cache, reaches: &[Reach]);
    /// [`Backend::linear`], quick for few rows as well.
    fn linear_few(&self, y: &mut Self::Slice, write: Write, x: &Self::Slice, weights: &Self::Weights, w: &Projection) {
        self.linear(y, write, x, weights, w);
    }
    /// The scores of all words for each row.
    fn scores(&self, normed: &Self::Slice, weights: &Self::Weights, head: &Projection) -> Vec<Self::Scores>;
    /// The same after a step; they are good until the next step.
    fn scores_of_step(&self, normed: &Self::Slice, weights: &Self::Weights, head: &Projection) -> Vec<Self::Scores> {
        self.scores(normed, weights, head)
    }
    /// As [`Continuing::choose`].
    fn choose(&self, scores: &[Self::Scores], draws: &[f64], settings: &Sampling) -> Vec<Choice>;
    /// Does the work of a step, which is the same for every step of as many tokens but for what comes from the host.
    fn repeated<T>(&self, _plan: &Plan, work: impl FnOnce() -> T) -> T {
        work()
    }
    /// Did all go well so far?
    fn check(&self) -> Result<()>;
}

/// A decoder and what it has read.
pub(super) struct Decoding<'a, B: Continues> {
    decoder: Decoder<B>,
    weights: &'a B::Weights,
    config: &'a ModelConfig,
    layers: Vec<B::Cache>,
    rows: Rows,
}

/// On the CPU.
pub(crate) fn on_cpu(weights: &Weights) -> impl Continuing {
    Decoding::new(Decoder::new(weights, |shape| CpuBackend::new(shape, false)), &weights.data, &weights.config)
}

/// On the CPU, with the weights' copy in bf16.
pub(crate) fn on_cpu_in_halves<'a>(weights: &'a Weights, halves: &'a Vec<bf16>) -> impl Continuing {
    Decoding::new(Decoder::new(weights, |shape| CpuBackend::new(shape, true)), halves, &weights.config)
}

impl<'a, B: Continues> Decoding<'a, B> {
    pub(super) fn new(decoder: Decoder<B>, weights: &'a B::Weights, config: &'a ModelConfig) -> Self {
        let layers = decoder.map.layers.iter().map(|_| decoder.backend.cache()).collect();
        Decoding { decoder, weights, config, layers, rows: Rows::default() }
    }

    /// Reads one token of each of some sequences.
    fn read_single(&self, layers: &mut [B::Cache], plan: &Plan, reaches: &[Reach]) -> Vec<B::Scores> {
        let (backend, weights) = (&self.decoder.backend, self.weights);
        let (shape, rows) = (backend.shape(), reaches.len());
        let heads = shape.heads;
        let places: Vec<u32> = reaches.iter().map(|reach| reach.own.end as u32 - 1).collect();

        let mut x = backend.buffer(rows * shape.hidden);
        backend.embed(&mut x, plan, part(weights, &self.decoder.map.embedding));
        let mut normed = backend.buffer(rows * shape.hidden);
        let mut inverse = backend.exact(rows);
        let mut qkv = backend.buffer(rows * heads.row());
        let normed_heads = || (backend.buffer(rows * heads.row()), backend.exact(rows * (heads.query + heads.key)));
        let mut normed_heads = self.config.family.has_head_norms().then(normed_heads);
        let mut out = backend.buffer(rows * heads.out());
        let mut gate_up = backend.buffer(rows * 2 * shape.intermediate);
        let mut gated = backend.buffer(rows * shape.intermediate);
        for (map, cache) in self.decoder.map.layers.iter().zip(layers) {
            backend.norm(&mut normed, &mut inverse, &x, part(weights, &map.attention_norm));
            self.linear(&mut qkv, Write::Set, &normed, &map.qkv);
            if let (Some(norms), Some((normed, inverse))) = (&map.head_norms, &mut normed_heads) {
                backend.head_norm(normed, inverse, &qkv, part(weights, norms));
                std::mem::swap(&mut qkv, normed);
            }
            backend.rotate(&mut qkv, plan);
            backend.keep(cache, &qkv, &places);
            backend.attention_step(&mut out, &qkv, cache, reaches);
            self.linear(&mut x, Write::Add, &out, &map.o);
            backend.norm(&mut normed, &mut inverse, &x, part(weights, &map.feed_norm));
            self.linear(&mut gate_up, Write::Set, &normed, &map.gate_up);
            backend.gate(&mut gated, &gate_up);
            self.linear(&mut x, Write::Add, &gated, &map.down);
        }
        backend.scores_of_step(&self.normed(&x, rows), weights, &self.decoder.table())
    }

    /// `y = x Wᵀ + b`, or `y += x Wᵀ + b`, and what lies beside `W`.
    fn linear(&self, y: &mut B::Slice, write: Write, x: &B::Slice, w: &Linear) {
        let (backend, weights) = (&self.decoder.backend, self.weights);
        backend.linear_few(y, write, x, weights, &w.whole);
        if let Some(bias) = &w.bias {
            backend.bias(y, part(weights, bias));
        }
        for adapter in &w.adapters {
            let mut low = backend.buffer(backend.length(x) / adapter.a.inner * adapter.a.out);
            backend.linear_few(&mut low, Write::Set, x, weights, &adapter.a);
            backend.add_columns(y, &adapter.columns(&w.whole), adapter.scale, &low, weights, &adapter.b);
        }
    }

    /// Rows after the last norm.
    fn normed(&self, hidden: &B::Slice, rows: usize) -> B::Buffer {
        let (map, backend) = (&self.decoder.map, &self.decoder.backend);
        let width = backend.shape().hidden;
        let (mut normed, mut inverse) = (backend.buffer(rows * width), backend.exact(rows));
        backend.norm(&mut normed, &mut inverse, hidden, part(self.weights, &map.norm));
        normed
    }
}

impl<B> Continuing for Decoding<'_, B>
where
    B: Continues + Send,
    B::Slice: Sync,
    B::Weights: Sync,
{
    type Scores = B::Scores;

    fn reserve(&mut self, rows: usize) -> Range<usize> {
        let block = self.rows.reserve(rows);
        for cache in &mut self.layers {
            self.decoder.backend.grow(cache, self.rows.count());
        }
        block
    }

    fn release(&mut self, rows: Range<usize>) {
        self.rows.release(rows);
    }

    fn read(&mut self, prompts: &[(&[u32], Range<usize>)]) -> Result<Vec<B::Scores>> {
        let mut batch = Sequences::default();
        prompts.iter().for_each(|(prompt, _)| batch.push(prompt, &[]));
        let plan = Plan::prompts(&batch, self.config)?;
        // The rows of the plan are the prompts', one after the other.
        let places: Vec<u32> = prompts.iter().flat_map(|(_, rows)| rows.clone()).map(|row| row as u32).collect();
        let mut x = self.decoder.embed(self.weights, &plan);
        for (index, cache) in self.layers.iter_mut().enumerate() {
            let layer = self.decoder.layer(index, self.weights, &plan);
            let trace;
            (x, trace) = layer.attend(x);
            self.decoder.backend.keep(cache, &trace.qkv, &places);
            drop(layer.feed(&mut x));
        }
        let normed = self.normed(&x, prompts.len());
        let scores = self.decoder.backend.scores(&normed, self.weights, &self.decoder.table());
        self.decoder.backend.check()?;
        Ok(scores)
    }

    fn step(&mut self, next: &[Next]) -> Result<Vec<B::Scores>> {
        let plan = Plan::single(next.iter().map(|next| (next.token, next.position)));
        let reaches: Vec<Reach> = next.iter().map(|next| next.reach.clone()).collect();
        // The layers' caches are lent to the work, which needs all else as well.
        let mut layers = std::mem::take(&mut self.layers);
        let scores = self.decoder.backend.repeated(&plan, || self.read_single(&mut layers, &plan, &reaches));
        self.layers = layers;
        self.decoder.backend.check()?;
        Ok(scores)
    }

    fn choose(&self, scores: &[B::Scores], draws: &[f64], settings: &Sampling) -> Result<Vec<Choice>> {
        let choices = self.decoder.backend.choose(scores, draws, settings);
        self.decoder.backend.check()?;
        Ok(choices)
    }
}

//! What decoding asks of a GPU: keys, values, scores and the choice of words stay in its memory.

#[cfg(test)]
mod tests;

use super::super::{
    backend::{Backend, Shape, Write},
    decode::{Continues, Decoding},
    decoder::Decoder,
    map::Projection,
    plan::Plan,
};
use super::backend::GpuBackend;
use crate::{
    Error, Result,
    model::Weights,
    sample::{Choice, Progress, Sample, Sampler, Sampling, continued},
};
use collimate_kernels::{
    attention::Reach,
    cuda::{
        Element, Numbers, Stream, decoding,
        sampling::{self, Limits},
    },
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Scores of one row of a matrix in the GPU's memory.
#[derive(Clone, Debug)]
pub(in super::super) struct ScoresRow {
    all: Arc<Mutex<Numbers>>,
    row: usize,
    words: usize,
}

impl ScoresRow {
    /// Does it come after this one in the same matrix?
    fn follows(&self, before: &ScoresRow) -> bool {
        Arc::ptr_eq(&self.all, &before.all) && self.row == before.row + 1
    }
}

impl Continues for GpuBackend {
    type Cache = Numbers;
    type Scores = ScoresRow;

    fn cache(&self) -> Numbers {
        self.stream.numbers(self.element, 0)
    }

    fn grow(&self, cache: &mut Numbers, rows: usize) {
        let needed = rows * decoding::kept(self.shape().heads);
        if needed > cache.len() {
            // Twice as many, so that a row is copied a few times at most.
            let mut larger = self.stream.numbers(self.element, needed.max(2 * cache.len()));
            self.stream.copy_to(larger.view_mut().part(0..cache.len()), cache.view());
            *cache = larger;
        }
    }

    fn keep(&self, cache: &mut Numbers, qkv: &Numbers, rows: &[u32]) {
        let rows = self.indices(rows);
        decoding::keep(&self.stream, cache.view_mut(), qkv.view(), rows.view(), self.shape().heads);
    }

    fn attention_step(&self, out: &mut Numbers, qkv: &Numbers, cache: &Numbers, reaches: &[Reach]) {
        let reaches = self.reaches(reaches);
        decoding::attend(&self.stream, out.view_mut(), qkv.view(), cache.view(), &reaches, self.shape().heads);
    }

    fn scores(&self, normed: &Numbers, weights: &Numbers, head: &Projection) -> Vec<ScoresRow> {
        let all = self.stream.numbers(Element::F32, normed.len() / head.inner * head.out);
        self.scored(Arc::new(Mutex::new(all)), normed, weights, head)
    }

    fn scores_of_step(&self, normed: &Numbers, weights: &Numbers, head: &Projection) -> Vec<ScoresRow> {
        // They outlast the step, and stand where those of the last step of as many tokens did, which are of no more use.
        let length = normed.len() / head.inner * head.out;
        let make = || (length, Mutex::new(self.stream.lasting(Element::F32, length)));
        self.scored(self.scores.find(|known| *known == length, make), normed, weights, head)
    }

    fn choose(&self, scores: &[ScoresRow], draws: &[f64], settings: &Sampling) -> Vec<Choice> {
        let stream = &self.stream;
        let limits =
            Limits { temperature: settings.temperature as f32, top_k: settings.top_k, top_p: settings.top_p as f32 };
        let draws: Vec<f32> = draws.iter().map(|&draw| below_one(draw)).collect();
        let draws = stream.upload(Element::F32, &draws);
        let mut tokens = stream.numbers(Element::U32, scores.len());
        let mut logp = stream.numbers(Element::F32, scores.len());
        // Neighbours in one matrix are one piece of work.
        let mut done = 0;
        for rows in scores.chunk_by(|before, row| row.follows(before)) {
            let ScoresRow { all, row, words } = &rows[0];
            let here = done..done + rows.len();
            done = here.end;
            let all = lock(all);
            let scores = all.view().part(row * words..(row + rows.len()) * words);
            let (tokens, logp) = (tokens.view_mut().part(here.clone()), logp.view_mut().part(here.clone()));
            sampling::choose(stream, tokens, logp, scores, draws.view().part(here), limits);
        }
        let (tokens, logp) = (stream.download_indices(tokens.view()), stream.download(logp.view()));
        tokens.into_iter().zip(logp).map(|(token, logp)| Choice { token, logp }).collect()
    }

    fn repeated<T>(&self, plan: &Plan, work: impl FnOnce() -> T) -> T {
        self.forwards(plan, work)
    }

    fn check(&self) -> Result<()> {
        let hint = "fewer or shorter responses at once need less memory";
        self.stream.check().map_err(|problem| Error::Setting(format!("the GPU: {problem} ({hint})")))
    }
}

impl GpuBackend {
    /// Sets the scores.
    fn scored(
        &self,
        all: Arc<Mutex<Numbers>>,
        normed: &Numbers,
        weights: &Numbers,
        head: &Projection,
    ) -> Vec<ScoresRow> {
        self.linear(&mut lock(&all), Write::Set, normed, weights, head);
        let (rows, words) = (normed.len() / head.inner, head.out);
        (0..rows).map(|row| ScoresRow { all: Arc::clone(&all), row, words }).collect()
    }
}

fn lock(numbers: &Mutex<Numbers>) -> MutexGuard<'_, Numbers> {
    numbers.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As f32, and below 1 still.
fn below_one(draw: f64) -> f32 {
    (draw as f32).min(1.0_f32.next_down())
}

/// Continues prompts on a GPU.
#[derive(Clone, Debug)]
pub struct GpuSampler {
    stream: Stream,
    element: Element,
}

impl GpuSampler {
    /// With weights stored in this way.
    #[must_use]
    pub fn new(stream: Stream, element: Element) -> Self {
        GpuSampler { stream, element }
    }
}

impl GpuSampler {
    /// Continues every prompt, as [`crate::sample::generate`] does on the CPU; the weights are in the GPU's memory only
    /// meanwhile.
    ///
    /// # Errors
    /// As there, and if the model's heads are too wide or the GPU fails.
    pub fn generate(
        &self,
        weights: &Weights,
        prompts: &[Vec<u32>],
        settings: &Sampling,
        progress: impl FnMut(Progress),
    ) -> Result<Vec<Vec<Sample>>> {
        weights.check_words()?;
        super::narrow_enough(weights)?;
        let backend = |shape: Shape| GpuBackend::new(shape, self.stream.clone(), self.element, true);
        let decoder = Decoder::new(weights, backend);
        let uploaded = self.stream.upload(self.element, &weights.data);
        continued(Decoding::new(decoder, &uploaded, &weights.config), &weights.config, prompts, settings, progress)
    }
}

impl Sampler for GpuSampler {
    fn draw(&mut self, weights: &Weights, prompts: &[Vec<u32>], settings: &Sampling) -> Result<Vec<Vec<Sample>>> {
        self.generate(weights, prompts, settings, |_| ())
    }
}

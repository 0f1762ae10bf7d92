use super::Sampling;
use crate::{
    Error, Result,
    model::{
        ModelConfig, Weights,
        fused::{Continuing, Next, on_cpu, on_cpu_in_halves, rounded, within_pool},
    },
    random::Random,
    train::Dtype,
};
use collimate_kernels::attention::Reach;
use std::ops::Range;

/// Tokens of prompts read at once at most, unless one prompt alone has more.
const READ_AT_ONCE: usize = 4096;

/// What a model made of a prompt.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Sample {
    /// The tokens after the prompt, with the end token if there is one.
    pub tokens: Vec<u32>,
    /// `ln p` of each of them under the model itself, at temperature 1 and with no limits.
    pub logp: Vec<f32>,
    /// Was its last token an end token? If not, it was cut.
    pub ended: bool,
}

/// How far generation has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Samples that are done.
    pub finished: usize,
    /// Samples in all.
    pub samples: usize,
    /// Tokens generated so far.
    pub tokens: usize,
}

/// Continues every prompt: for each, in order, its samples in order. `progress` is called after every step.
///
/// # Errors
/// If a setting is out of range, or a prompt is empty, leaves the model no position for an answer, or has a token outside
/// its vocabulary.
pub fn generate(
    weights: &Weights,
    prompts: &[Vec<u32>],
    settings: &Sampling,
    progress: impl FnMut(Progress),
) -> Result<Vec<Vec<Sample>>> {
    weights.check_words()?;
    match settings.dtype {
        Dtype::F32 => continued(on_cpu(weights), &weights.config, prompts, settings, progress),
        Dtype::Bf16 => {
            let halves = rounded(weights);
            continued(on_cpu_in_halves(weights, &halves), &weights.config, prompts, settings, progress)
        }
    }
}

/// The same by a model of this shape wherever it lies.
///
/// # Errors
/// As [`generate`], and if the device fails.
pub(crate) fn continued(
    model: impl Continuing,
    config: &ModelConfig,
    prompts: &[Vec<u32>],
    settings: &Sampling,
    mut progress: impl FnMut(Progress),
) -> Result<Vec<Vec<Sample>>> {
    settings.check()?;
    for prompt in prompts {
        check(prompt, config)?;
    }
    let mut work = Work::new(model, config, prompts, settings);
    let samples = prompts.len() * settings.samples;
    let mut state = Progress { finished: 0, samples, tokens: 0 };
    while state.finished < samples {
        let (tokens, finished) = within_pool(|| work.round())?;
        state.tokens += tokens;
        state.finished += finished;
        progress(state);
    }
    Ok(work.done)
}

fn check(prompt: &[u32], config: &ModelConfig) -> Result<()> {
    if prompt.is_empty() {
        return Err(Error::Setting("an empty prompt: a model needs a token to begin with".to_owned()));
    }
    if prompt.len() >= config.longest() {
        return Err(Error::Setting(format!(
            "a prompt of {} tokens leaves no room for an answer in {}: shorten it",
            prompt.len(),
            config.bound()
        )));
    }
    Ok(())
}

/// A sample in the making.
struct Running<S> {
    prompt: usize,
    index: usize,
    /// Rows of the cache for its own tokens.
    rows: Range<usize>,
    made: Sample,
    random: Random,
    /// The scores of all words for its next token.
    scores: S,
}

/// A prompt that was read, while samples of it are in the making or to come.
struct Read<S> {
    rows: Range<usize>,
    scores: S,
    unfinished: usize,
}

struct Work<'a, M: Continuing> {
    model: M,
    prompts: &'a [Vec<u32>],
    settings: &'a Sampling,
    positions: usize,
    /// Of prompts times samples, the first that has not begun.
    next: usize,
    running: Vec<Running<M::Scores>>,
    read: Vec<Option<Read<M::Scores>>>,
    done: Vec<Vec<Sample>>,
}

impl<'a, M: Continuing> Work<'a, M> {
    fn new(model: M, config: &ModelConfig, prompts: &'a [Vec<u32>], settings: &'a Sampling) -> Self {
        Work {
            model,
            prompts,
            settings,
            positions: config.longest(),
            next: 0,
            running: Vec::new(),
            read: prompts.iter().map(|_| None).collect(),
            done: vec![vec![Sample::default(); settings.samples]; prompts.len()],
        }
    }

    /// One token for every sample in the making; answers with how many tokens that was and how many samples are done.
    fn round(&mut self) -> Result<(usize, usize)> {
        self.admit()?;
        let tokens = self.choose()?;
        let finished = self.dismiss();
        self.step()?;
        Ok((tokens, finished))
    }

    /// Fills the free places with the next samples, and reads the prompts among them that are new.
    fn admit(&mut self) -> Result<()> {
        let free = self.settings.at_once - self.running.len();
        let coming = self.next..(self.next + free).min(self.prompts.len() * self.settings.samples);
        self.next = coming.end;
        let mut new: Vec<usize> = coming.clone().map(|job| job / self.settings.samples).collect();
        new.dedup();
        new.retain(|&prompt| self.read[prompt].is_none());
        self.read_prompts(&new)?;
        for job in coming {
            let (prompt, index) = (job / self.settings.samples, job % self.settings.samples);
            let random = Random::new(stream(self.settings.seed, prompt, index));
            let Some(Read { scores, .. }) = &self.read[prompt] else { unreachable!("its prompt was read above") };
            let scores = scores.clone();
            let rows = self.model.reserve(self.settings.max_new_tokens);
            self.running.push(Running { prompt, index, rows, made: Sample::default(), random, scores });
        }
        Ok(())
    }

    fn read_prompts(&mut self, new: &[usize]) -> Result<()> {
        let mut rest = new;
        while !rest.is_empty() {
            let mut tokens = 0;
            let fits = rest.iter().take_while(|&&prompt| {
                tokens += self.prompts[prompt].len();
                tokens <= READ_AT_ONCE
            });
            let (now, later) = rest.split_at(fits.count().max(1));
            rest = later;
            let blocks: Vec<_> = now
                .iter()
                .map(|&prompt| {
                    let tokens = self.prompts[prompt].as_slice();
                    (tokens, self.model.reserve(tokens.len()))
                })
                .collect();
            let scores = self.model.read(&blocks)?;
            for ((&prompt, (_, rows)), scores) in now.iter().zip(blocks).zip(scores) {
                let unfinished = self.settings.samples;
                self.read[prompt] = Some(Read { rows, scores, unfinished });
            }
        }
        Ok(())
    }

    /// Adds a token to every sample; answers with how many.
    fn choose(&mut self) -> Result<usize> {
        let draw = |running: &mut Running<M::Scores>| match self.settings.temperature {
            0.0 => 0.0,
            _ => running.random.uniform(),
        };
        let draws: Vec<f64> = self.running.iter_mut().map(draw).collect();
        let scores: Vec<M::Scores> = self.running.iter().map(|running| running.scores.clone()).collect();
        for (running, choice) in self.running.iter_mut().zip(self.model.choose(&scores, &draws, self.settings)?) {
            running.made.tokens.push(choice.token);
            running.made.logp.push(choice.logp);
            running.made.ended = self.settings.end_tokens.contains(&choice.token);
        }
        Ok(self.running.len())
    }

    /// Lets go of the samples that are done; answers with how many.
    fn dismiss(&mut self) -> usize {
        let before = self.running.len();
        for running in std::mem::take(&mut self.running) {
            let length = running.made.tokens.len();
            let room =
                length < self.settings.max_new_tokens && self.prompts[running.prompt].len() + length < self.positions;
            if room && !running.made.ended {
                self.running.push(running);
                continue;
            }
            self.model.release(running.rows);
            self.done[running.prompt][running.index] = running.made;
            let read = &mut self.read[running.prompt];
            if let Some(last) = read.take_if(|read| {
                read.unfinished -= 1;
                read.unfinished == 0
            }) {
                self.model.release(last.rows);
            }
        }
        before - self.running.len()
    }

    /// Reads the newest token of every sample that goes on.
    fn step(&mut self) -> Result<()> {
        let next: Vec<Next> = self.running.iter().filter_map(|running| self.next_of(running)).collect();
        if next.is_empty() {
            return Ok(());
        }
        for (running, scores) in self.running.iter_mut().zip(self.model.step(&next)?) {
            running.scores = scores;
        }
        Ok(())
    }

    fn next_of(&self, running: &Running<M::Scores>) -> Option<Next> {
        let made = running.made.tokens.len();
        let own = running.rows.start..running.rows.start + made;
        let prefix = self.read[running.prompt].as_ref()?.rows.clone();
        let position = (self.prompts[running.prompt].len() + made - 1) as u32;
        Some(Next { token: *running.made.tokens.last()?, position, reach: Reach { prefix, own } })
    }
}

/// A seed for one sample: neighbouring numbers give unrelated seeds.
fn stream(seed: u64, prompt: usize, sample: usize) -> u64 {
    let mut first = Random::new(seed ^ Random::new(prompt as u64).bits());
    Random::new(first.bits() ^ Random::new(!(sample as u64)).bits()).bits()
}

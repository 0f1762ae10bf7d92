//! Responses drawn from the policy as it trains.

mod settings;
mod shape;

pub use settings::DrawSettings;

use crate::data::{Example, Row, View};
use crate::model::Weights;
use crate::sample::{Sample, Sampler, Sampling};
use crate::tokenizer::Tokenizer;
use crate::train::Dtype;
use crate::{Error, Result};

/// Responses in the making at once. The weights are read once for all of them, and so far more rows cost little more.
const AT_ONCE: usize = 128;

/// A response that was drawn, to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The row its prompt is of.
    pub row: &'a Row,
    /// The response without its end token.
    pub text: &'a str,
    /// Did it end by itself? If not, it was cut.
    pub ended: bool,
}

/// Says what responses are worth, one number for each.
pub type Reward<'a> = dyn FnMut(&[Answer<'_>]) -> Result<Vec<f64>> + 'a;

/// Responses to prompts, and what is known of them.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    /// In the view's shape; prompts whose responses are all worth the same have no pair.
    pub(super) examples: Vec<Example>,
    /// What the sampler says of each token, response after response of `examples`' rows.
    pub(super) logp: Vec<Vec<Vec<f32>>>,
    /// All that was drawn, also for prompts that came to nothing.
    groups: Vec<Group>,
}

/// The prompts, the settings and the judge of a run.
pub(super) struct Drawing<'a> {
    pub(super) settings: DrawSettings,
    pub(super) tokenizer: &'a Tokenizer,
    /// In the order of the prompts' rows.
    pub(super) rows: Vec<Row>,
    pub(super) reward: &'a mut Reward<'a>,
    pub(super) sampler: &'a mut dyn Sampler,
    pub(super) seed: u64,
    /// How weights are stored where this program itself draws.
    pub(super) dtype: Dtype,
}

/// The responses to each prompt, and what each of them is worth.
type Judged = (Vec<Vec<Sample>>, Vec<Vec<f64>>);

/// What was drawn for one prompt.
#[derive(Debug)]
struct Group {
    samples: Vec<Sample>,
    scores: Vec<f64>,
    /// What the likeliest response is worth; only where the program reads it.
    baseline: Option<f64>,
}

impl Group {
    /// Are all its responses worth the same?
    fn is_even(&self) -> bool {
        self.scores.iter().all(|score| *score == self.scores[0])
    }
}

impl Drawing<'_> {
    /// Draws responses to these prompts, has them judged and adds them to what was drawn before. The random numbers
    /// depend on the seed and the step alone.
    pub(super) fn draw(
        &mut self,
        weights: &Weights,
        prompts: &[&Example],
        view: &View,
        step: u64,
        drawn: &mut Drawn,
    ) -> Result<()> {
        let tokens: Vec<Vec<u32>> = prompts.iter().map(|prompt| prompt.prompt.clone()).collect();
        let sampling = Sampling {
            samples: self.settings.num_generations,
            max_new_tokens: self.settings.max_new_tokens,
            temperature: self.settings.temperature,
            top_k: self.settings.top_k,
            top_p: self.settings.top_p,
            seed: self.seed ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            end_tokens: self.tokenizer.special().stop.clone(),
            dtype: self.dtype,
            at_once: AT_ONCE,
        };
        let (samples, scores) = self.judged(weights, prompts, &tokens, &sampling)?;
        let baselines = match view.reads("baseline") {
            false => None,
            true => {
                let greedy = Sampling { samples: 1, temperature: 0.0, ..sampling };
                Some(self.judged(weights, prompts, &tokens, &greedy)?.1)
            }
        };
        for (i, (samples, scores)) in samples.into_iter().zip(scores).enumerate() {
            let baseline = baselines.as_ref().map(|baselines| baselines[i][0]);
            let group = Group { samples, scores, baseline };
            let useful = !(self.settings.dynamic_sampling && group.is_even());
            if let Some((example, logp)) =
                useful.then(|| shape::shaped(prompts[i], &group, view)).transpose()?.flatten()
            {
                drawn.examples.push(Example { row: drawn.examples.len(), ..example });
                drawn.logp.push(logp);
            }
            drawn.groups.push(group);
        }
        Ok(())
    }

    /// Responses to these prompts, and what each is worth.
    fn judged(
        &mut self,
        weights: &Weights,
        prompts: &[&Example],
        tokens: &[Vec<u32>],
        sampling: &Sampling,
    ) -> Result<Judged> {
        let mut samples = self.sampler.draw(weights, tokens, sampling)?;
        for (prompt, samples) in prompts.iter().zip(&mut samples) {
            samples.iter_mut().for_each(|sample| shorten(sample, prompt.room));
        }
        let mut texts = Vec::new();
        for (prompt, samples) in prompts.iter().zip(&samples) {
            for sample in samples {
                let end = sample.tokens.len() - usize::from(sample.ended);
                texts.push(self.tokenizer.decode_after(&prompt.prompt, &sample.tokens[..end])?);
            }
        }
        let mut answers = Vec::new();
        let asked = prompts.iter().zip(&samples).flat_map(|(prompt, samples)| samples.iter().map(move |s| (prompt, s)));
        for ((prompt, sample), text) in asked.zip(&texts) {
            answers.push(Answer { row: &self.rows[prompt.row], text, ended: sample.ended });
        }
        let scores = (self.reward)(&answers)?;
        if scores.len() != answers.len() {
            let problem = format!("the reward gave {} numbers for {} responses", scores.len(), answers.len());
            return Err(Error::Setting(problem));
        }
        if let Some(i) = scores.iter().position(|score| !score.is_finite()) {
            let Answer { row, text, .. } = answers[i];
            return Err(row.origin.error(format!("the reward of this response is {}: {text:?}", scores[i])));
        }
        let mut rest = scores.into_iter();
        let scores = samples.iter().map(|samples| rest.by_ref().take(samples.len()).collect()).collect();
        Ok((samples, scores))
    }
}

/// No longer than there is room for; a response that lost its end did not end.
fn shorten(sample: &mut Sample, room: usize) {
    if sample.tokens.len() > room {
        sample.tokens.truncate(room);
        sample.logp.truncate(room);
        sample.ended = false;
    }
}

impl Drawn {
    /// Under TRL's names.
    pub(super) fn metrics(&self) -> Vec<(String, f64)> {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let deviation = |group: &Group| {
            let (center, others) = (mean(&group.scores), group.scores.len().max(2) - 1);
            (group.scores.iter().map(|score| (score - center).powi(2)).sum::<f64>() / others as f64).sqrt()
        };
        let all: Vec<f64> = self.groups.iter().flat_map(|group| group.scores.iter().copied()).collect();
        let spreads: Vec<f64> = self.groups.iter().map(deviation).collect();
        let same: Vec<f64> = spreads.iter().map(|spread| f64::from(u8::from(*spread == 0.0))).collect();
        let samples = || self.groups.iter().flat_map(|group| &group.samples);
        let lengths: Vec<f64> = samples().map(|sample| sample.tokens.len() as f64).collect();
        let cut: Vec<f64> = samples().map(|sample| f64::from(u8::from(!sample.ended))).collect();
        [
            ("reward", &all),
            ("reward_std", &spreads),
            ("frac_reward_zero_std", &same),
            ("completions/mean_length", &lengths),
            ("completions/clipped_ratio", &cut),
        ]
        .map(|(name, values)| (name.to_owned(), mean(values)))
        .into()
    }
}

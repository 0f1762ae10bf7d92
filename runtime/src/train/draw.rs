//! Responses drawn from the policy as it trains.

use crate::data::{Example, Row, Shape, View};
use crate::model::Weights;
use crate::sample::{Sample, Sampling, generate};
use crate::tokenizer::Tokenizer;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How responses are drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrawSettings {
    /// Responses to each prompt.
    pub num_generations: usize,
    /// Optimizer steps on the same responses.
    pub num_iterations: u64,
    /// Scores are divided by this before a token is drawn.
    pub temperature: f64,
    /// Only the likeliest tokens that together have at least this probability are drawn; 1 for no limit.
    pub top_p: f64,
    /// Only so many of the likeliest tokens are drawn; 0 for no limit.
    pub top_k: usize,
    /// Longest response in tokens.
    pub max_new_tokens: usize,
}

impl Default for DrawSettings {
    fn default() -> Self {
        DrawSettings {
            num_generations: 8,
            num_iterations: 1,
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            max_new_tokens: 256,
        }
    }
}

impl DrawSettings {
    pub(super) fn check(&self) -> Result<()> {
        let problem = if self.num_generations == 0 || self.num_iterations == 0 || self.max_new_tokens == 0 {
            "num_generations, num_iterations and max_new_tokens have to be at least 1".to_owned()
        } else if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            format!("temperature is {}; responses are drawn at more than 0", self.temperature)
        } else if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            format!("top_p is {}; it has to be more than 0 and at most 1", self.top_p)
        } else {
            return Ok(());
        };
        Err(Error::Setting(problem))
    }
}

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

/// Responses to the prompts of one batch, and what is known of them.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    /// In the view's shape; prompts whose responses are all worth the same have no pair.
    pub(super) examples: Vec<Example>,
    /// What the sampler says of each token, response after response of `examples`' rows.
    pub(super) logp: Vec<Vec<Vec<f32>>>,
    pub(super) metrics: Vec<(String, f64)>,
}

/// The prompts, the settings and the judge of a run.
pub(super) struct Drawing<'a> {
    pub(super) settings: DrawSettings,
    pub(super) tokenizer: &'a Tokenizer,
    /// In the order of the prompts' rows.
    pub(super) rows: Vec<Row>,
    pub(super) reward: &'a mut Reward<'a>,
    pub(super) seed: u64,
}

/// What was drawn for one prompt.
struct Group {
    samples: Vec<Sample>,
    scores: Vec<f64>,
    /// What the likeliest response is worth; only where the program reads it.
    baseline: Option<f64>,
}

impl Drawing<'_> {
    /// Draws responses to these prompts and has them judged. The random numbers depend on the seed and the step alone.
    pub(super) fn draw(&mut self, weights: &Weights, prompts: &[&Example], view: &View, step: u64) -> Result<Drawn> {
        let tokens: Vec<Vec<u32>> = prompts.iter().map(|prompt| prompt.prompt.clone()).collect();
        let sampling = Sampling {
            samples: self.settings.num_generations,
            max_new_tokens: self.settings.max_new_tokens,
            temperature: self.settings.temperature,
            top_k: self.settings.top_k,
            top_p: self.settings.top_p,
            seed: self.seed ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            end_tokens: self.tokenizer.special().stop.clone(),
            ..Sampling::default()
        };
        let mut samples = generate(weights, &tokens, &sampling, |_| ())?;
        for (prompt, samples) in prompts.iter().zip(&mut samples) {
            samples.iter_mut().for_each(|sample| shorten(sample, prompt.room));
        }
        let scores = self.judged(prompts, &samples)?;
        let baselines = match view.reads("baseline") {
            false => None,
            true => {
                let greedy = Sampling { samples: 1, temperature: 0.0, ..sampling };
                let mut greedy = generate(weights, &tokens, &greedy, |_| ())?;
                for (prompt, samples) in prompts.iter().zip(&mut greedy) {
                    samples.iter_mut().for_each(|sample| shorten(sample, prompt.room));
                }
                Some(self.judged(prompts, &greedy)?)
            }
        };
        let mut drawn = Drawn { metrics: metrics(&samples, &scores), ..Drawn::default() };
        for (i, (samples, scores)) in samples.into_iter().zip(scores).enumerate() {
            let baseline = baselines.as_ref().map(|baselines| baselines[i][0]);
            let group = Group { samples, scores, baseline };
            if let Some((example, logp)) = shaped(prompts[i], group, view)? {
                drawn.examples.push(Example { row: drawn.examples.len(), ..example });
                drawn.logp.push(logp);
            }
        }
        Ok(drawn)
    }

    fn judged(&mut self, prompts: &[&Example], samples: &[Vec<Sample>]) -> Result<Vec<Vec<f64>>> {
        let mut texts = Vec::new();
        for (prompt, samples) in prompts.iter().zip(samples) {
            for sample in samples {
                let end = sample.tokens.len() - usize::from(sample.ended);
                texts.push(self.tokenizer.decode_after(&prompt.prompt, &sample.tokens[..end])?);
            }
        }
        let mut answers = Vec::new();
        let asked = prompts.iter().zip(samples).flat_map(|(prompt, samples)| samples.iter().map(move |s| (prompt, s)));
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
        Ok(samples.iter().map(|samples| rest.by_ref().take(samples.len()).collect()).collect())
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

/// A prompt's responses as the view has them, and what the sampler says of their tokens; `None` where there is no
/// better and no worse one and the view needs both.
fn shaped(prompt: &Example, group: Group, view: &View) -> Result<Option<(Example, Vec<Vec<f32>>)>> {
    let Group { samples, scores, baseline } = group;
    let best = place(&scores, |a, b| a > b);
    let worst = place(&scores, |a, b| a < b);
    let chosen: Vec<usize> = match view.shape() {
        Shape::Group => (0..samples.len()).collect(),
        Shape::Pair if scores[best] == scores[worst] => return Ok(None),
        Shape::Pair => vec![best, worst],
        Shape::Demo => vec![best],
        Shape::Unpaired | Shape::Rated | Shape::Annotated => {
            let problem = "responses that people judge one by one are not drawn; give them with --data".to_owned();
            return Err(Error::Setting(problem));
        }
    };
    let mut numbers = Vec::new();
    for (field, _) in view.numbers() {
        numbers.push(match field.as_str() {
            "score" => scores.clone(),
            "ended" => samples.iter().map(|sample| f64::from(u8::from(sample.ended))).collect(),
            "baseline" => vec![baseline.unwrap_or_default(); samples.len()],
            "weight" if view.shape() == Shape::Demo => vec![1.0],
            "chosen_score" => vec![scores[best]],
            "rejected_score" => vec![scores[worst]],
            "margin" => vec![scores[best] - scores[worst]],
            other => {
                let owner = view.owner();
                return Err(Error::Setting(format!("`{owner}.{other}` is not known of responses as they are drawn")));
            }
        });
    }
    let responses = chosen.iter().map(|i| samples[*i].tokens.clone()).collect();
    let logp = chosen.iter().map(|i| samples[*i].logp.clone()).collect();
    let Example { origin, prompt, room, .. } = prompt.clone();
    Ok(Some((Example { origin, prompt, responses, numbers, room, row: 0 }, logp)))
}

/// The first score that no other beats.
fn place(scores: &[f64], beats: impl Fn(f64, f64) -> bool) -> usize {
    (1..scores.len()).fold(0, |best, i| if beats(scores[i], scores[best]) { i } else { best })
}

/// Under TRL's names.
fn metrics(samples: &[Vec<Sample>], scores: &[Vec<f64>]) -> Vec<(String, f64)> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let deviation = |scores: &Vec<f64>| {
        let (center, others) = (mean(scores), scores.len().max(2) - 1);
        (scores.iter().map(|score| (score - center).powi(2)).sum::<f64>() / others as f64).sqrt()
    };
    let all: Vec<f64> = scores.iter().flatten().copied().collect();
    let spreads: Vec<f64> = scores.iter().map(deviation).collect();
    let same: Vec<f64> = spreads.iter().map(|spread| f64::from(u8::from(*spread == 0.0))).collect();
    let lengths: Vec<f64> = samples.iter().flatten().map(|sample| sample.tokens.len() as f64).collect();
    let cut: Vec<f64> = samples.iter().flatten().map(|sample| f64::from(u8::from(!sample.ended))).collect();
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

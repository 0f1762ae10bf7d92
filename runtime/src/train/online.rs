//! The steps of a run whose responses are drawn as it goes.

use super::copy::Copy;
use super::draw::{Drawing, Drawn};
use super::learner::Frozen;
use super::start::StartScores;
use crate::data::{Batch, Example, Item, View, items};
use crate::model::{Engine, Parameters, ValuesAt, Weights};
use crate::random::Random;
use crate::{Error, Result};
use dfdx::prelude::Device;
use std::rc::Rc;

/// How often prompts are asked again where no two of their responses differ in worth.
const TRIES: u64 = 16;

/// Rows that the actor's engine is asked about only to see how far the sampler's numbers are from its own.
const WATCHED: usize = 4;

/// Draws responses, and asks the policies that the program reads about them.
pub(super) struct Online<'a, D: Device<f32>> {
    pub(super) drawing: Drawing<'a>,
    pub(super) view: &'a View,
    /// All prompts there are.
    pub(super) prompts: &'a [Example],
    /// The policies that are copies of the actor.
    pub(super) copies: Vec<String>,
    /// What they are; only where the program reads one.
    pub(super) copy: Option<Rc<Copy<D>>>,
    /// Does the program read what the actor, or the sampler, said of the responses when they were drawn?
    pub(super) reads_behavior: bool,
    /// Rows the model works on at a time.
    pub(super) part: usize,
    /// The rows of the current step.
    pub(super) examples: Vec<Example>,
    /// What is worth reporting of them.
    pub(super) metrics: Vec<(String, f64)>,
}

impl<D: Device<f32>> Online<'_, D> {
    /// Is it time to draw before this step?
    pub(super) fn is_due(&self, step: u64) -> bool {
        self.examples.is_empty() || step.is_multiple_of(self.drawing.settings.num_iterations)
    }

    /// Draws responses to these prompts. Gives what the frozen policies say of them.
    ///
    /// # Errors
    /// If the reward fails, or no prompt has two responses of different worth where they are needed.
    pub(super) fn draw(
        &mut self,
        actor: &dyn Engine<D>,
        critic: Option<&dyn Engine<D>>,
        parameters: &Parameters,
        prompts: &[&Example],
        step: u64,
    ) -> Result<Frozen> {
        let copy = self.copy.clone();
        if let Some(copy) = copy.as_ref().filter(|_| self.drawing.settings.refreshes(step)) {
            copy.refresh(parameters);
        }
        // In self-play it is the policy of the iteration before that speaks.
        let plays = !prompts.iter().all(|prompt| prompt.responses.is_empty());
        let drawn = match copy.as_ref().filter(|_| plays) {
            Some(before) => before.read(parameters, |weights| self.useful(weights, prompts, step))?,
            None => self.useful(&parameters.held(), prompts, step)?,
        };
        let mut metrics = drawn.metrics();
        self.examples = drawn.examples;
        let rows: Vec<&Example> = self.examples.iter().collect();
        let parts: Vec<Vec<Item<'_>>> = items(self.view, &rows)?.chunks(self.part).map(<[_]>::to_vec).collect();
        let asked = |engine: &dyn Engine<D>, parts: &[Vec<Item<'_>>]| -> Result<Rc<StartScores>> {
            Ok(Rc::new(StartScores::default().compute(engine, self.view, parts, &mut |_| true)?.unwrap_or_default()))
        };
        let behavior = match (self.reads_behavior, plays) {
            (true, _) => asked(actor, &parts)?,
            (false, true) => Rc::default(),
            // The forward pass of a whole batch is not worth two numbers of a report.
            (false, false) => asked(actor, &[items(self.view, &rows[..rows.len().min(WATCHED)])?])?,
        };
        if !plays {
            let gaps = gaps(&behavior, &drawn.logp);
            metrics.push(("sampling/sampling_logp_difference/mean".to_owned(), gaps.0));
            metrics.push(("sampling/sampling_logp_difference/max".to_owned(), gaps.1));
        }
        let sampler = Rc::new(behavior.with(&drawn.logp));
        let mut frozen = Vec::new();
        if self.reads_behavior {
            frozen.push(("behavior".to_owned(), Rc::clone(&behavior)));
            frozen.push(("sampler".to_owned(), Rc::clone(&sampler)));
        }
        if let Some(copy) = copy {
            let start = copy.ask(actor, parameters, |engine| asked(engine, &parts))?;
            if !plays {
                let said = if self.reads_behavior { &behavior } else { &sampler };
                metrics.push(("kl".to_owned(), said.mean_gap(&start)));
            }
            frozen.extend(self.copies.iter().map(|copy| (copy.clone(), Rc::clone(&start))));
        }
        self.metrics = metrics;
        let values = critic.map(|critic| expected(critic, self.view, &parts)).transpose()?;
        let place = self.view.numbers().iter().position(|(field, _)| field == "value");
        if let (Some(values), Some(place)) = (values, place) {
            self.examples.iter_mut().zip(values).for_each(|(example, values)| example.numbers[place] = values);
        }
        Ok(frozen)
    }

    /// Responses that something can be learned of. Where that takes more than one try, the same prompts are asked
    /// again if nothing came of any; with dynamic sampling, other prompts stand in for those that nothing came of.
    fn useful(&mut self, weights: &Weights, prompts: &[&Example], step: u64) -> Result<Drawn> {
        let dynamic = self.drawing.settings.dynamic_sampling;
        let mut drawn = Drawn::default();
        for again in 0..TRIES {
            let missing = prompts.len() - drawn.examples.len();
            let seed = step + (again << 40);
            if again == 0 {
                self.drawing.draw(weights, prompts, self.view, seed, &mut drawn)?;
            } else if dynamic && missing > 0 {
                let mut random = Random::new(self.drawing.seed ^ Random::new(seed).bits());
                let others = (0..missing).map(|_| &self.prompts[random.below(self.prompts.len())]).collect::<Vec<_>>();
                self.drawing.draw(weights, &others, self.view, seed, &mut drawn)?;
            } else if drawn.examples.is_empty() {
                self.drawing.draw(weights, prompts, self.view, seed, &mut drawn)?;
            } else {
                break;
            }
        }
        if drawn.examples.is_empty() {
            let problem = format!("in {TRIES} tries no prompt of this batch had two responses of different worth");
            return Err(Error::Numeric(problem));
        }
        Ok(drawn)
    }
}

/// What a critic predicts at each token of each row's responses.
fn expected<D: Device<f32>>(critic: &dyn Engine<D>, view: &View, parts: &[Vec<Item<'_>>]) -> Result<Vec<Vec<f64>>> {
    let mut each = Vec::new();
    for part in parts {
        let values = critic.score_values(&Batch::new(view, part).sequences, ValuesAt::Scored)?;
        let mut rest = values.into_iter().map(f64::from);
        each.extend(part.iter().map(|item| {
            let tokens = item.example.responses.iter().map(Vec::len).sum();
            rest.by_ref().take(tokens).collect()
        }));
    }
    Ok(each)
}

/// Mean and largest difference between what the sampler and the engine say of a token.
fn gaps(engine: &StartScores, sampler: &[Vec<Vec<f32>>]) -> (f64, f64) {
    let (mut sum, mut count, mut largest) = (0.0, 0_usize, 0.0_f64);
    for (row, responses) in sampler.iter().enumerate() {
        for (place, logp) in responses.iter().enumerate() {
            for (ours, theirs) in engine.response(row, place).iter().zip(logp) {
                let gap = f64::from((ours - theirs).abs());
                (sum, count, largest) = (sum + gap, count + 1, largest.max(gap));
            }
        }
    }
    (sum / count.max(1) as f64, largest)
}

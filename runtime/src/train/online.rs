//! The steps of a run whose responses are drawn as it goes.

use super::draw::Drawing;
use super::learner::Frozen;
use super::start::StartScores;
use crate::data::{Example, Item, View, items};
use crate::model::{Engine, Weights};
use crate::{Error, Result};
use dfdx::prelude::Device;
use std::rc::Rc;

/// How often prompts are asked again where no two of their responses differ in worth.
const TRIES: u64 = 16;

/// Draws responses, and asks the policies that the program reads about them.
pub(super) struct Online<'a, D: Device<f32>> {
    pub(super) drawing: Drawing<'a>,
    /// The actor as it was at the start; only where the program reads a copy of it.
    pub(super) reference: Option<Box<dyn Engine<D>>>,
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
    /// If the reward fails, or no prompt has two responses of different worth where the view needs a pair.
    pub(super) fn draw(
        &mut self,
        actor: &dyn Engine<D>,
        weights: &Weights,
        prompts: &[&Example],
        view: &View,
        (part, step): (usize, u64),
        copies: &[String],
    ) -> Result<Frozen> {
        let tries = (0..TRIES).map(|again| step + (again << 40));
        let mut found = None;
        for seed in tries {
            let drawn = self.drawing.draw(weights, prompts, view, seed)?;
            if !drawn.examples.is_empty() {
                found = Some(drawn);
                break;
            }
        }
        let Some(drawn) = found else {
            let problem = format!("in {TRIES} tries no prompt of this batch had two responses of different worth");
            return Err(Error::Numeric(problem));
        };
        self.examples = drawn.examples;
        let mut metrics = drawn.metrics;
        let rows: Vec<&Example> = self.examples.iter().collect();
        let parts: Vec<Vec<Item<'_>>> = items(view, &rows)?.chunks(part).map(<[_]>::to_vec).collect();
        let asked = |engine: &dyn Engine<D>| -> Result<Rc<StartScores>> {
            Ok(Rc::new(StartScores::default().compute(engine, view, &parts, &mut |_| true)?.unwrap_or_default()))
        };
        let behavior = asked(actor)?;
        let gaps = gaps(&behavior, &drawn.logp);
        metrics.push(("sampling/sampling_logp_difference/mean".to_owned(), gaps.0));
        metrics.push(("sampling/sampling_logp_difference/max".to_owned(), gaps.1));
        let mut frozen = vec![("behavior".to_owned(), Rc::clone(&behavior))];
        if let Some(reference) = &self.reference {
            let start = asked(&**reference)?;
            metrics.push(("kl".to_owned(), behavior.mean_gap(&start)));
            frozen.extend(copies.iter().map(|copy| (copy.clone(), Rc::clone(&start))));
        }
        self.metrics = metrics;
        Ok(frozen)
    }
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

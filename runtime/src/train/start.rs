//! What the actor said at the start. Frozen copies of it, the reference above all, never need a model of their own:
//! their log-probabilities are computed once, before the first step.

use crate::Result;
use crate::data::{Batch, Item, View};
use crate::model::Engine;
use collimate_dsl::ir::SideTag;
use dfdx::prelude::Device;
use std::collections::{BTreeMap, HashMap};

/// Log-probability of every token of every response that a run reads, by the model it starts from.
#[derive(Clone, Debug, Default)]
pub(super) struct StartScores {
    known: HashMap<Key, Vec<f32>>,
}

/// The prompt's row, the response's row, and its place among that row's responses. The two rows differ where a response is
/// read after another prompt.
pub(super) type Key = (usize, usize, usize);

impl StartScores {
    /// Asks the engine about these parts of batches, cut as they will be trained on: so a policy that has not moved yet
    /// agrees with its copy to the last digit. What is known already is not asked again. `watch` is told how many parts
    /// are done and says whether to go on; `None` if it did not.
    pub(super) fn compute<D: Device<f32>>(
        self,
        engine: &dyn Engine<D>,
        view: &View,
        parts: &[Vec<Item<'_>>],
        watch: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Option<Self>> {
        let mut scores = self;
        for (done, part) in parts.iter().enumerate() {
            if !watch(done) {
                return Ok(None);
            }
            let keys: Vec<_> = keys(view, part).collect();
            if keys.iter().all(|key| scores.known.contains_key(key)) {
                continue;
            }
            let batch = Batch::new(view, part);
            let logp = engine.score(&batch.sequences)?;
            let mut rest = &logp[..];
            let reaches = batch.layout.sides.iter().flat_map(|(_, reaches)| reaches);
            for (key, reach) in keys.into_iter().zip(reaches) {
                let (here, after) = rest.split_at(reach.tokens);
                scores.known.entry(key).or_insert_with(|| here.to_vec());
                rest = after;
            }
        }
        watch(parts.len());
        Ok(Some(scores))
    }

    /// Responses that are known.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Takes a response's log-probabilities.
    pub(super) fn insert(&mut self, key: Key, logp: &[f32]) {
        self.known.insert(key, logp.to_vec());
    }

    /// All of them by row, response and place.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (Key, &[f32])> {
        let sorted: BTreeMap<_, _> = self.known.iter().collect();
        sorted.into_iter().map(|(key, logp)| (*key, logp.as_slice()))
    }

    /// The same with other numbers for the first tokens of each response, and for responses that are not known all of
    /// them: row after row, response after response.
    pub(super) fn with(&self, others: &[Vec<Vec<f32>>]) -> Self {
        let mut known = self.known.clone();
        for (row, responses) in others.iter().enumerate() {
            for (place, logp) in responses.iter().enumerate() {
                let own = known.entry((row, row, place)).or_insert_with(|| logp.clone());
                own.iter_mut().zip(logp).for_each(|(own, other)| *own = *other);
            }
        }
        StartScores { known }
    }

    /// The tokens of one response of a row; empty if it was not asked about.
    pub(super) fn response(&self, row: usize, place: usize) -> &[f32] {
        self.known.get(&(row, row, place)).map_or(&[], Vec::as_slice)
    }

    /// By how much these log-probabilities of whole responses exceed the others', on average: an estimate of the
    /// divergence from the others' model, if the responses were drawn from this one.
    pub(super) fn mean_gap(&self, others: &Self) -> f64 {
        let sum = |logp: &[f32]| logp.iter().map(|x| f64::from(*x)).sum::<f64>();
        let gaps = self.known.iter().map(|(key, logp)| sum(logp) - others.known.get(key).map_or(0.0, |o| sum(o)));
        // In the order of the rows: a hash map's own order would change the last digits from run to run.
        let mut gaps: Vec<f64> = gaps.collect();
        gaps.sort_by(f64::total_cmp);
        gaps.iter().sum::<f64>() / gaps.len().max(1) as f64
    }

    /// For some items of the batches asked about, in the order in which a batch lays out their tokens.
    pub(super) fn of(&self, view: &View, items: &[Item<'_>]) -> Vec<f32> {
        keys(view, items).flat_map(|key| &self.known[&key]).copied().collect()
    }
}

/// The responses of some items, in the order in which a batch lays them out.
fn keys<'a>(view: &'a View, items: &'a [Item<'_>]) -> impl Iterator<Item = Key> + 'a {
    view.sides().iter().flat_map(move |side| {
        items.iter().flat_map(move |item| {
            let row = item.example.row;
            let other = item.other.filter(|_| *side == SideTag::Mismatched).map_or(row, |other| other.row);
            view.places(*side, item.example.responses.len()).map(move |place| (row, other, place))
        })
    })
}

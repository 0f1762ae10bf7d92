//! The gradient of one optimizer batch, part by part.

use super::asked::{Asked, put};
use super::start::StartScores;
use super::trainee::{CRITIC, REWARD_MODEL, Reads, Trainee};
use super::whole_words::WholeWords;
use crate::compile::{Source, Words};
use crate::data::{Batch, Example, Item, View, items};
use crate::model::{HeadApart, Sequences};
use crate::{Error, Result, bridge, compile};
use collimate_dsl::Totals;
use collimate_dsl::eval::{self, Inputs, Measured};
use collimate_dsl::ir::{Program, STATE};
use dfdx::prelude::Device;
use std::fmt::Display;
use std::rc::Rc;

/// A program, the policies it reads, and how a batch is cut.
pub(super) struct Learner<'a, D: Device<f32>> {
    pub(super) program: &'a Program,
    pub(super) view: &'a View,
    pub(super) hyper: &'a eval::Settings,
    pub(super) device: D,
    /// The models that are trained.
    pub(super) trainees: Vec<Trainee<D>>,
    /// What the frozen policies say of the rows.
    pub(super) frozen: Frozen,
    /// Frozen policies that are asked as each batch comes.
    pub(super) asked: Vec<Asked<D>>,
    /// Words of the vocabulary, if anything is read for each of them.
    pub(super) words: usize,
    /// Rows the model works on at a time.
    pub(super) part: usize,
}

/// Frozen policies by name, with what they say of the rows.
pub(super) type Frozen = Vec<(String, Rc<StartScores>)>;

/// What a batch gave.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) loss: f64,
    pub(super) metrics: Vec<Measured>,
    /// What the next state is made of.
    pub(super) shares: Vec<f64>,
    /// Read by the model, prompts and responses.
    pub(super) tokens: usize,
}

impl Gathered {
    fn add(&mut self, loss: f64, metrics: Vec<Measured>, shares: Vec<f64>) {
        self.loss += loss;
        if self.shares.is_empty() {
            self.shares = shares;
        } else {
            self.shares.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share);
        }
        if self.metrics.is_empty() {
            self.metrics = metrics;
        } else {
            for (sum, part) in self.metrics.iter_mut().zip(metrics) {
                sum.sum += part.sum;
                sum.count += part.count;
            }
        }
    }
}

/// The policies of a program that are copies of the actor at the start: the reference, which stays, and the policy of
/// the iteration before, since a run is one iteration. Where responses are drawn, it may also read the policy that drew
/// them.
///
/// # Errors
/// If it reads something that a run cannot give, or trains something else than the actor.
pub(super) fn copies_of_start(program: &Program, view: &str, draws: bool) -> Result<Vec<String>> {
    let mut copies = Vec::new();
    for (_, owner, field, ty) in program.inputs().filter(|(_, owner, ..)| *owner != view && *owner != STATE) {
        match (owner, field, ty.live) {
            ("actor", "logp" | "words", true) | (REWARD_MODEL, _, true) => {}
            ("teacher", "logp" | "words", false) | ("reference" | "previous", "words", false) => {}
            ("reference" | "previous", "logp", false) => {
                if !copies.iter().any(|copy| copy == owner) {
                    copies.push(owner.to_owned());
                }
            }
            ("behavior" | "sampler", "logp", false) | (CRITIC, "value", true) if draws => {}
            ("behavior" | "sampler", "logp", false) | (CRITIC, "value", true) => {
                let what = if owner == CRITIC { "trains a critic on" } else { "reads the policy that drew" };
                return Err(Error::Setting(format!(
                    "`{}` {what} the responses, so it cannot train on given ones; give rows with a `prompt` alone",
                    program.name
                )));
            }
            _ => {
                return Err(Error::Setting(format!(
                    "`{}` reads `{owner}.{field}`, which training cannot give yet; it gives `actor.logp`, \
                     `reference.logp`, `previous.logp` and what a reward model says",
                    program.name
                )));
            }
        }
    }
    Ok(copies)
}

impl<D: Device<f32>> Learner<'_, D> {
    /// Adds the gradient of the batch's loss to the parameters' gradient. `state` is what the loss carries as the step
    /// begins.
    ///
    /// # Errors
    /// If a number is not finite; the message names the rows.
    pub(super) fn learn(&self, rows: &[&Example], state: &eval::Settings) -> Result<Gathered> {
        let items = items(self.view, rows)?;
        let all = self.laid_out(&items);
        let mut gathered = Gathered { tokens: all.sequences.tokens.len(), ..Gathered::default() };
        let separable = eval::separable(self.program).is_ok();
        if separable || rows.len() <= self.part {
            let totals = all.layout.totals();
            for (part, rows) in items.chunks(self.part).zip(rows.chunks(self.part)) {
                match self.head_apart() {
                    Some((trainee, engine)) => {
                        let room = if separable { engine.room() } else { usize::MAX };
                        let groups = self.groups(part, room);
                        self.learn_by_groups(trainee, engine, &groups, &totals, state, &mut gathered)
                    }
                    None => self.learn_part(part, &totals, state, &mut gathered),
                }
                .map_err(|e| at(rows, &e))?;
            }
        } else {
            self.learn_whole(&items, &all, state, &mut gathered).map_err(|e| at(rows, &e))?;
        }
        Ok(gathered)
    }

    /// The model that is trained, if it is one of which only its tokens' log-probabilities are read, and its head can be run for
    /// some of them at a time.
    fn head_apart(&self) -> Option<(&Trainee<D>, &dyn HeadApart<D>)> {
        match &self.trainees[..] {
            [trainee] if trainee.reads == Reads::Tokens && self.words == 0 => {
                Some((trainee, trainee.engine.head_apart()?))
            }
            _ => None,
        }
    }

    /// Items that follow one another, as many as have their scored tokens in the room, and at least one.
    fn groups<'i>(&self, items: &'i [Item<'i>], room: usize) -> Vec<&'i [Item<'i>]> {
        filled(items, room, |item| item.scored(self.view))
    }

    /// One part of a batch that may be cut: through all layers in one go, and for each group of its items head, loss and back
    /// through the head, before the next group's scores of all words take their place.
    fn learn_by_groups(
        &self,
        trainee: &Trainee<D>,
        engine: &dyn HeadApart<D>,
        groups: &[&[Item<'_>]],
        totals: &Totals,
        state: &eval::Settings,
        gathered: &mut Gathered,
    ) -> Result<()> {
        let batches: Vec<Batch> = groups.iter().map(|items| self.laid_out(items)).collect();
        let mut sequences = Sequences::default();
        batches.iter().for_each(|batch| sequences.extend(&batch.sequences));
        let trunk = engine.trunk(&sequences)?;
        let mut end = 0;
        for (items, batch) in groups.iter().zip(&batches) {
            let (inputs, words) = self.given(batch, items)?;
            let asked = trainee.asked(batch);
            let live = trunk.head(end..end + asked)?;
            end += asked;
            let source = Source { live, asked, shares: trainee.shares(batch) };
            self.learn_from(batch, inputs, vec![source], words, totals, state, gathered)?;
        }
        trunk.go_back()
    }

    /// One part of a batch that may be cut: forward, loss and backward in one go.
    fn learn_part(
        &self,
        part: &[Item<'_>],
        totals: &Totals,
        state: &eval::Settings,
        gathered: &mut Gathered,
    ) -> Result<()> {
        let batch = self.laid_out(part);
        let (inputs, mut words) = self.given(&batch, part)?;
        let mut sources = Vec::new();
        for trainee in &self.trainees {
            let (source, own) = trainee.forward(&batch)?;
            sources.push(source);
            words.extend(own);
        }
        self.learn_from(&batch, inputs, sources, words, totals, state, gathered)
    }

    /// The loss of what the models say of some items, and the way back from it.
    #[expect(clippy::too_many_arguments, reason = "a step, and where its numbers go")]
    fn learn_from(
        &self,
        batch: &Batch,
        mut inputs: Inputs,
        sources: Vec<Source<D>>,
        words: Vec<Words>,
        totals: &Totals,
        state: &eval::Settings,
        gathered: &mut Gathered,
    ) -> Result<()> {
        eval::give_state(&mut inputs, state);
        let (device, program, layout, hyper) = (&self.device, self.program, &batch.layout, self.hyper);
        let (outcome, gradients) = match words[..] {
            [] => compile::step_of(device, program, layout, totals, &inputs, hyper, sources)?,
            _ => compile::step_by_words(device, program, layout, totals, &inputs, hyper, sources, words)?,
        };
        for trainee in &self.trainees {
            trainee.engine.collect(&gradients)?;
        }
        gathered.add(outcome.loss, outcome.metrics, outcome.shares);
        Ok(())
    }

    /// A batch whose rows depend on one another: the loss needs all log-probabilities at once, so they are
    /// computed first, part by part and without a tape; then each part runs again, backward from the
    /// gradient that the loss gave its log-probabilities.
    fn learn_whole(
        &self,
        items: &[Item<'_>],
        all: &Batch,
        state: &eval::Settings,
        gathered: &mut Gathered,
    ) -> Result<()> {
        let (result, whole) = self.measure_batch(items, all, state, true)?;
        for trainee in &self.trainees {
            // Where in the batch's gradient the next part's elements begin, for each input.
            let mut starts = vec![0; trainee.shares(all).len()];
            for (number, part) in items.chunks(self.part).enumerate() {
                let batch = self.laid_out(part);
                let (Source { live, asked, shares }, words) = trainee.forward(&batch)?;
                if let Some(words) = words {
                    whole.hand_back(number, &words);
                }
                let numbers = live.logp.as_vec();
                let mut upstream = vec![0.0; asked];
                for (start, share) in starts.iter_mut().zip(&shares) {
                    let here = *start..*start + share.places.len();
                    *start = here.end;
                    // What the loss does not depend on has no gradient.
                    if let Some(gradient) = result.gradient.get(&share.owner, &share.field, Some(share.side)) {
                        share.hand_on(&gradient[here], &share.read(&numbers), &mut upstream);
                    }
                }
                let gradients = bridge::backward_from(&self.device, live, upstream)?;
                trainee.engine.collect(&gradients)?;
            }
        }
        gathered.add(result.loss, result.metrics, result.shares);
        Ok(())
    }

    /// The loss and metrics of rows, all of them one batch; nothing is learned.
    ///
    /// # Errors
    /// If a number is not finite.
    pub(super) fn measure(&self, rows: &[&Example], state: &eval::Settings) -> Result<Gathered> {
        let items = items(self.view, rows)?;
        let all = self.laid_out(&items);
        let (result, _) = self.measure_batch(&items, &all, state, false)?;
        let tokens = all.sequences.tokens.len();
        Ok(Gathered { loss: result.loss, metrics: result.metrics, shares: result.shares, tokens })
    }

    /// The loss of a batch from what every model says of its parts, and the gradient by that. If it is to be learned from, the
    /// gradient by states is among them.
    fn measure_batch(
        &self,
        items: &[Item<'_>],
        all: &Batch,
        state: &eval::Settings,
        learned: bool,
    ) -> Result<(eval::Evaluation, WholeWords)> {
        let (mut inputs, mut layouts, mut parts) = (Inputs::new(), Vec::new(), Vec::new());
        for part in items.chunks(self.part) {
            let batch = self.laid_out(part);
            let (mut here, mut words) = self.given(&batch, part)?;
            for trainee in &self.trainees {
                let (numbers, own) = trainee.score(&batch)?;
                words.extend(own);
                for share in trainee.shares(&batch) {
                    here.insert(&share.owner, &share.field, Some(share.side), share.read(&numbers));
                }
            }
            for (owner, field, side, values) in here.iter() {
                match inputs.get_mut(owner, field, side) {
                    Some(before) => before.extend_from_slice(values),
                    None => inputs.insert(owner, field, side, values.to_vec()),
                }
            }
            layouts.push(batch.layout);
            parts.push(words);
        }
        eval::give_state(&mut inputs, state);
        let is_trained = |owner: &str| learned && self.trainees.iter().any(|trainee| trainee.owner == owner);
        let whole = WholeWords::new(&all.layout, &layouts, &parts, is_trained);
        let (layout, totals) = (&all.layout, all.layout.totals());
        let result = match whole.words[..] {
            [] => eval::evaluate(self.program, layout, &totals, &inputs, self.hyper).map_err(numeric)?,
            _ => {
                let words = whole.words.clone();
                compile::evaluate_by_words(self.program, layout, &totals, &inputs, self.hyper, words)?
            }
        };
        Ok((result, whole))
    }

    /// What the batch and the frozen policies give, and the states of those of which words are read.
    fn given(&self, batch: &Batch, items: &[Item<'_>]) -> Result<(Inputs, Vec<Words>)> {
        let (mut inputs, mut words) = (Inputs::new(), Vec::new());
        for (field, side, values) in &batch.numbers {
            inputs.insert(self.view.owner(), field, *side, values.clone());
        }
        for (owner, scores) in &self.frozen {
            put(&mut inputs, owner, batch, &scores.of(self.view, items));
        }
        for asked in &self.asked {
            words.extend(asked.answer(&mut inputs, batch)?);
        }
        Ok((inputs, words))
    }

    fn laid_out(&self, items: &[Item<'_>]) -> Batch {
        let mut batch = Batch::new(self.view, items);
        batch.layout.words = self.words;
        batch
    }
}

/// Neighbours cut into groups, each as large as fits in the room; what does not fit in it is a group alone.
fn filled<T>(items: &[T], room: usize, size: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let (mut groups, mut start, mut taken) = (Vec::new(), 0, 0_usize);
    for (place, item) in items.iter().enumerate() {
        let own = size(item);
        if place > start && own > room.saturating_sub(taken) {
            groups.push(&items[start..place]);
            (start, taken) = (place, 0);
        }
        taken += own;
    }
    groups.push(&items[start..]);
    groups
}

pub(super) fn numeric(problem: impl Display) -> Error {
    Error::Numeric(problem.to_string())
}

/// A problem with some rows.
pub(super) fn at(rows: &[&Example], problem: &dyn Display) -> Error {
    const SHOWN: usize = 8;
    let mut names: Vec<_> = rows.iter().take(SHOWN).map(|row| row.origin.to_string()).collect();
    if rows.len() > SHOWN {
        names.push(format!("{} more", rows.len() - SHOWN));
    }
    Error::Numeric(format!("{problem} (rows {})", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn neighbours_fill_the_room() {
        let cut =
            |items: &[usize], room| filled(items, room, |size| *size).iter().map(|g| g.to_vec()).collect::<Vec<_>>();
        assert_eq!(
            cut(&[3, 4, 2, 1, 9, 0, 10, 11, 2], 10),
            [vec![3, 4, 2, 1], vec![9, 0], vec![10], vec![11], vec![2]]
        );
        assert_eq!(cut(&[1, 1], 0), [[1], [1]]);
        assert_eq!(cut(&[5, 6], usize::MAX), [[5, 6]]);
    }
}

//! Sums over all words at each token, found from hidden states in passes over the words.

use super::cut::{Cut, WordPass};
use super::run::{Many, Quantity, Run};
use crate::Result;
use crate::bridge::Traced;
use crate::model::{Pass, Unfound, WordStates};
use collimate_dsl::eval;
use collimate_dsl::ir::{Depth, Id, Op, SideTag, Ty};
use collimate_kernels::region::{Region, Step};
use dfdx::prelude::{Device, TryMul};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// A policy of which a program reads all words.
#[derive(Clone)]
pub struct Words {
    /// Its name in the program, e.g. `teacher`.
    pub owner: String,
    /// A state for each scored token of the layout, side after side.
    pub states: Arc<WordStates>,
}

/// What a run needs to find sums over words.
pub(super) struct Regions {
    pub(super) cut: Cut,
    pub(super) words: Vec<Words>,
}

/// A formula over words as it is put together.
#[derive(Default)]
struct Draft<D: Device<f32>> {
    steps: Vec<Step>,
    /// The program's step that each was made for.
    of: Vec<Id>,
    known: HashMap<Id, usize>,
    owners: Vec<String>,
    /// One number for each token, with the step of the program that gives it.
    given: Vec<(Id, Many<D>)>,
}

impl<D: Device<f32>> Draft<D> {
    fn push(&mut self, of: Id, step: Step) -> usize {
        self.steps.push(step);
        self.of.push(of);
        self.steps.len() - 1
    }
}

impl<D: Device<f32>> Run<'_, D> {
    /// The sum of a value of each word at every token.
    pub(super) fn word_sum(&mut self, summed: Id) -> Result<Many<D>> {
        if let Some(sum) = self.word_sums.get(&summed) {
            return Ok(sum.clone());
        }
        let passes = self.regions.as_ref().map_or(&[][..], |regions| &regions.cut.passes);
        let pass = passes.iter().find(|pass| pass.sums.contains(&summed)).cloned();
        let pass = pass.ok_or_else(|| self.fault(summed, "a sum over words that is in no pass".to_owned()))?;
        self.word_pass(&pass)?;
        Ok(self.word_sums[&summed].clone())
    }

    /// Sum or mean over the words, or over everything.
    pub(super) fn word_reduction(&mut self, id: Id) -> Result<Many<D>> {
        let summed = self.program.node(id).args[0];
        let mut total = self.word_sum(summed)?;
        total.live &= self.leads_to_loss(id);
        match self.op(id) {
            Op::Average => {
                let words = self.layout.words as f64;
                self.track.one(&total, |total| total.try_mul((1.0 / words) as f32))
            }
            Op::AverageAll => {
                let from = self.program.node(summed).ty;
                let (here, all) = (self.layout.len(Ty { depth: Depth::EachToken, ..from }), self.totals.len(from));
                if all == 0 {
                    let message = format!("`{}` over nothing: there is no {from} to average", self.op(id).word());
                    return Err(self.fault(id, message));
                }
                let total = self.totals_of(total, &[here])?;
                self.divided(&total, &[all])
            }
            _ => Ok(total),
        }
    }

    /// All sums of one pass.
    fn word_pass(&mut self, pass: &WordPass) -> Result<()> {
        let rows = self.rows_of(pass.side);
        if rows.is_empty() {
            for sum in &pass.sums {
                let none = Traced::fixed(self.upload(&[])?);
                self.word_sums.insert(*sum, none);
            }
            return Ok(());
        }
        let mut draft = Draft { steps: vec![], of: vec![], known: HashMap::new(), owners: vec![], given: vec![] };
        let sums = pass.sums.iter().map(|sum| self.drafted(&mut draft, *sum, pass.side)).collect::<Result<Vec<_>>>()?;
        let Draft { steps, of, owners, given, .. } = draft;
        let policies = owners.iter().map(|owner| self.states_of(owner, pass)).collect::<Result<Vec<_>>>()?;
        let given: Vec<Many<D>> = given.into_iter().map(|(_, many)| many).collect();
        let columns: Vec<Vec<f32>> = given.iter().map(|many| many.value.as_vec()).collect();
        let numbers = (0..rows.len()).flat_map(|row| columns.iter().map(move |column| column[row])).collect();
        let made = Arc::new(Pass { region: Region::new(steps, sums), policies, rows: rows.clone(), given: numbers });
        let values = made.sums().map_err(|why| match why {
            Unfound::NoWord(none) => {
                let node = of[none.step];
                self.fault(node, format!("`{}` at a token where no word is kept", self.op(node).word()))
            }
            Unfound::Failed(why) => why,
        })?;
        let live = |sum: &Id| self.program.node(*sum).ty.live && self.leads_to_loss(*sum);
        let live: Vec<bool> = pass.sums.iter().map(live).collect();
        let live_given: Vec<bool> = given.iter().map(|many| many.live).collect();
        let from: Vec<Many<D>> = given.iter().filter(|many| many.live).cloned().collect();
        let each = live_given.len();
        let backward = move |d_sums: Vec<f32>| {
            let d_given = made.backward(d_sums, &live_given);
            let column = |at: usize| d_given.iter().skip(at).step_by(each).copied().collect();
            (0..each).filter(|at| live_given[*at]).map(column).collect()
        };
        let whole = self.track.outside(self.device, values, live.contains(&true), from, backward)?;
        let count = pass.sums.len();
        for (at, (sum, live)) in pass.sums.iter().zip(live).enumerate() {
            let places: Vec<usize> = (0..rows.len()).map(|row| row * count + at).collect();
            let part = if live { whole.clone() } else { Traced::fixed(whole.value.clone()) };
            let part = self.gathered(&part, &places)?;
            self.word_sums.insert(*sum, part);
        }
        Ok(())
    }

    /// Where the tokens of a side stand among all scored tokens.
    fn rows_of(&self, side: SideTag) -> Range<usize> {
        let mut end = 0;
        for (other, reaches) in &self.layout.sides {
            let start = end;
            end += reaches.iter().map(|reach| reach.tokens).sum::<usize>();
            if *other == side {
                return start..end;
            }
        }
        end..end
    }

    fn states_of(&self, owner: &str, pass: &WordPass) -> Result<Arc<WordStates>> {
        let words = self.regions.as_ref().map_or(&[][..], |regions| &regions.words);
        let found = words.iter().find(|words| words.owner == owner).map(|words| Arc::clone(&words.states));
        found.ok_or_else(|| self.fault(pass.sums[0], format!("no model says what `{owner}` gives each word")))
    }

    /// The step of a formula for a value of each word.
    fn drafted(&mut self, draft: &mut Draft<D>, id: Id, side: SideTag) -> Result<usize> {
        if let Some(step) = draft.known.get(&id) {
            return Ok(*step);
        }
        let op = self.op(id);
        let args = match op {
            // Their last arguments are numbers, which are read below.
            Op::Clip | Op::TopWords => 1,
            Op::Mixture => 2,
            _ => self.program.node(id).args.len(),
        };
        let a = (0..args).map(|at| self.operand(draft, id, at, side)).collect::<Result<Vec<usize>>>()?;
        let step = match op {
            Op::Input { owner, .. } => {
                let known = draft.owners.iter().position(|known| known == owner);
                let policy = known.unwrap_or_else(|| {
                    draft.owners.push(owner.clone());
                    draft.owners.len() - 1
                });
                Step::Policy(policy)
            }
            Op::Plus => Step::Plus(a[0], a[1]),
            Op::Minus => Step::Minus(a[0], a[1]),
            Op::Times => Step::Times(a[0], a[1]),
            Op::Over => Step::Over(a[0], a[1]),
            Op::Smaller => Step::Smaller(a[0], a[1]),
            Op::Larger => Step::Larger(a[0], a[1]),
            Op::Clip => {
                let (low, high) = self.bounds(id)?;
                Step::Clip(a[0], low as f32, high as f32)
            }
            Op::Negative => Step::Negative(a[0]),
            Op::Exponential => Step::Exponential(a[0]),
            Op::Logarithm => Step::Logarithm(a[0]),
            Op::Magnitude => Step::Magnitude(a[0]),
            Op::Logistic => Step::Logistic(a[0]),
            Op::LogLogistic => Step::LogLogistic(a[0]),
            Op::Square => Step::Square(a[0]),
            Op::Root => Step::Root(a[0]),
            Op::LogComplement => Step::LogComplement(a[0]),
            Op::Positive => Step::Positive(a[0]),
            Op::Constant => Step::Still(a[0]),
            Op::Choose => Step::Choose(a[0], a[1], a[2]),
            Op::Mixture => Step::Mixture(a[0], a[1], self.share(id)? as f32),
            Op::TopWords => Step::Top(a[0], self.word_count(id)?),
            Op::Renormalised => {
                let whole = draft.push(id, Step::LogSum(a[0], a[1]));
                let less = draft.push(id, Step::Minus(a[0], whole));
                Step::Kept(a[1], less)
            }
            Op::Recast(_) => {
                draft.known.insert(id, a[0]);
                return Ok(a[0]);
            }
            Op::Parameter(_)
            | Op::Literal(_)
            | Op::LogInterval
            | Op::Estimate(_)
            | Op::Total
            | Op::Average
            | Op::AverageAll
            | Op::EveryPrompt
            | Op::OthersMean
            | Op::GroupMean
            | Op::GroupLogSoftmax
            | Op::GroupSpread
            | Op::OthersSpread
            | Op::BatchSpread
            | Op::Sorted
            | Op::Length
            | Op::Overlap(_)
            | Op::Following
            | Op::DiscountedSum
            | Op::AtLast => {
                return Err(self.fault(id, format!("`{}` of each word is in no pass", op.word())));
            }
        };
        let step = draft.push(id, step);
        draft.known.insert(id, step);
        Ok(step)
    }

    /// The step of a formula for an argument: of each word, a number, or one for each token.
    fn operand(&mut self, draft: &mut Draft<D>, id: Id, at: usize, side: SideTag) -> Result<usize> {
        let arg = self.program.node(id).args[at];
        let many = match self.argument(id, at) {
            Quantity::Words => return self.drafted(draft, arg, side),
            Quantity::Number(number) => return Ok(draft.push(id, Step::Number(number as f32))),
            Quantity::Many(many) => many,
        };
        let known = draft.given.iter().position(|(given, known)| *given == arg && known.live == many.live);
        if let Some(known) = known {
            return Ok(draft.push(id, Step::Given(known)));
        }
        let from = self.program.node(arg).ty;
        let tokens = Ty { depth: Depth::EachToken, side: Some(side), ..from };
        let places = eval::outward(self.layout, from, tokens).ok_or_else(|| {
            let word = self.op(id).word();
            self.fault(id, format!("`{word}` of a {from} does not give a {tokens}: reduce the deeper side first"))
        })?;
        let many = self.gathered(&many, &places)?;
        draft.given.push((arg, many));
        Ok(draft.push(id, Step::Given(draft.given.len() - 1)))
    }
}

#[cfg(test)]
mod tests;

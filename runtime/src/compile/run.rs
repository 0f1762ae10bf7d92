//! One program on one batch: its quantities so far, and the tape they are on.

use super::special::read;
use super::{Outcome, region::Regions, said};
use crate::bridge::{Traced, Track, refused};
use crate::{Error, Result};
use collimate_dsl::eval::{self, EvalError, Inputs, Measured, Settings};
use collimate_dsl::ir::{Depth, Id, Op, Place, Program, STATE, SideTag};
use collimate_dsl::{Layout, Totals};
use dfdx::prelude::{Device, GatherTo, Gradients, OwnedTape, Tensor};
use std::collections::HashMap;

/// One number for each prompt, response or token: what there is one for is in the node's type.
pub(super) type Many<D> = Traced<(usize,), D>;

/// The value of a node.
pub(super) enum Quantity<D: Device<f32>> {
    /// The same everywhere: a number from the source, a hyper-parameter, or made of such. Kept in f64 until it meets
    /// a tensor.
    Number(f64),
    /// One for each element.
    Many(Many<D>),
    /// One for each word, found again whenever a sum over the words asks for it.
    Words,
}

/// What an input is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Leaf<'a> {
    pub(super) owner: &'a str,
    pub(super) field: &'a str,
    pub(super) side: Option<SideTag>,
}

pub(super) struct Run<'a, D: Device<f32>> {
    pub(super) device: &'a D,
    pub(super) program: &'a Program,
    pub(super) layout: &'a Layout,
    pub(super) totals: &'a Totals,
    pub(super) settings: &'a Settings,
    pub(super) track: Track<D>,
    given: Vec<(Leaf<'a>, Many<D>)>,
    /// What the loss carries from the step before.
    state: Settings,
    quantities: Vec<Quantity<D>>,
    /// How sums over words are found, if not from values of all words.
    pub(super) regions: Option<Regions>,
    /// Those that were found, by what was summed.
    pub(super) word_sums: HashMap<Id, Many<D>>,
    /// For each node, whether the loss depends on it. What only a metric reads is kept off the tape.
    leads_to_loss: Vec<bool>,
}

impl<'a, D: Device<f32>> Run<'a, D> {
    pub(super) fn new(
        device: &'a D,
        program: &'a Program,
        layout: &'a Layout,
        totals: &'a Totals,
        settings: &'a Settings,
        tape: OwnedTape<f32, D>,
    ) -> Self {
        let mut leads_to_loss = vec![false; program.nodes.len()];
        if let Some(root) = program.root {
            leads_to_loss[root.index()] = true;
        }
        for i in (0..program.nodes.len()).rev().filter(|&i| !program.nodes[i].args.is_empty()) {
            if leads_to_loss[i] {
                program.nodes[i].args.iter().for_each(|arg| leads_to_loss[arg.index()] = true);
            }
        }
        let (given, track, state) = (Vec::new(), Track::new(tape), Settings::new());
        let quantities = program.nodes.iter().map(|_| Quantity::Words).collect();
        let (regions, word_sums) = (None, HashMap::new());
        Run {
            device,
            program,
            layout,
            totals,
            settings,
            track,
            given,
            state,
            quantities,
            regions,
            word_sums,
            leads_to_loss,
        }
    }

    /// Numbers on the device.
    pub(super) fn upload(&self, values: &[f64]) -> Result<Tensor<(usize,), f32, D>> {
        let values: Vec<f32> = values.iter().map(|v| *v as f32).collect();
        let length = values.len();
        self.device.try_tensor_from_vec(values, (length,)).map_err(refused)
    }

    /// Indices on the device.
    fn places(&self, places: &[usize]) -> Result<Tensor<(usize,), usize, D>> {
        self.device.try_tensor_from_vec(places.to_vec(), (places.len(),)).map_err(refused)
    }

    /// Gives an input its value.
    pub(super) fn give(&mut self, leaf: Leaf<'a>, value: Many<D>) {
        self.given.push((leaf, value));
    }

    /// Takes the states among the inputs. They come from no batch and are kept in f64, as hyper-parameters are.
    pub(super) fn carry(&mut self, inputs: &Inputs) {
        let states = inputs.iter().filter(|(owner, ..)| *owner == STATE);
        self.state.extend(states.map(|(_, name, _, value)| (name.to_owned(), value[0])));
    }

    /// A state as the step begins.
    pub(super) fn carried(&self, name: &str) -> Result<f64> {
        let missing = || Error::Numeric(format!("{} is missing", eval::input_name(STATE, name, None)));
        self.state.get(name).copied().ok_or_else(missing)
    }

    /// The value of an input.
    pub(super) fn given(&self, leaf: Leaf<'_>) -> Result<Many<D>> {
        self.given.iter().find(|(l, _)| *l == leaf).map(|(_, value)| value.clone()).ok_or_else(|| {
            Error::Numeric(format!("{} is missing", eval::input_name(leaf.owner, leaf.field, leaf.side)))
        })
    }

    /// For each place, the element that stands there.
    pub(super) fn gathered(&mut self, x: &Many<D>, places: &[usize]) -> Result<Many<D>> {
        let (length,) = *dfdx::prelude::HasShape::shape(&x.value);
        if places.len() == length && places.iter().enumerate().all(|(i, place)| i == *place) {
            return Ok(x.clone());
        }
        let places = self.places(places)?;
        self.track.one(x, |x| x.try_gather(places))
    }

    /// The value of an argument of `node`; off the tape if the loss does not depend on the node.
    pub(super) fn argument(&self, node: Id, position: usize) -> Quantity<D> {
        let arg = self.program.node(node).args[position];
        match &self.quantities[arg.index()] {
            Quantity::Number(number) => Quantity::Number(*number),
            Quantity::Words => Quantity::Words,
            Quantity::Many(many) => {
                let mut many = many.clone();
                many.live &= self.leads_to_loss[node.index()];
                Quantity::Many(many)
            }
        }
    }

    /// The same with one number for each element, whatever it is.
    pub(super) fn argument_spelled_out(&self, node: Id, position: usize) -> Result<Many<D>> {
        match self.argument(node, position) {
            Quantity::Many(many) => Ok(many),
            Quantity::Number(number) => {
                let ty = self.program.node(self.program.node(node).args[position]).ty;
                Ok(Traced::fixed(self.upload(&vec![number; self.layout.len(ty)])?))
            }
            Quantity::Words => Err(self.beyond_words(node)),
        }
    }

    /// Computes every node in order, then goes back from the loss.
    pub(super) fn differentiate(mut self) -> Result<(Outcome, Gradients<f32, D>)> {
        for id in self.order() {
            if !self.is_word_by_word(id) {
                self.quantities[id.index()] = self.lower(id)?;
            }
        }
        let program = self.program;
        for metric in &program.metrics {
            if self.is_word_by_word(metric.node) {
                self.word_sum(metric.node)?;
            }
        }
        let root = self.program.root.ok_or_else(|| Error::Numeric(format!("`{}` has no loss", self.program.name)))?;
        let loss = match &self.quantities[root.index()] {
            Quantity::Number(number) => Traced::fixed(self.upload(&[*number])?),
            Quantity::Many(many) => many.clone(),
            Quantity::Words => return Err(self.beyond_words(root)),
        };
        let outcome = Outcome {
            loss: loss.value.as_vec().iter().copied().map(f64::from).sum(),
            metrics: self.measured(),
            shares: eval::shared(self.program).into_iter().map(|id| self.values(id)[0]).collect(),
        };
        self.finite(&outcome)?;
        Ok((outcome, self.track.backward(&loss)?))
    }

    /// An order in which every step comes after what it reads.
    fn order(&self) -> Vec<Id> {
        match &self.regions {
            Some(regions) => regions.cut.order.clone(),
            None => (0..self.program.nodes.len()).map(Id::new).collect(),
        }
    }

    /// Is a node's value, one for each word, never there as a whole?
    pub(super) fn is_word_by_word(&self, id: Id) -> bool {
        self.regions.is_some() && self.program.node(id).ty.depth == Depth::EachWord
    }

    /// Does the loss depend on it?
    pub(super) fn leads_to_loss(&self, id: Id) -> bool {
        self.leads_to_loss[id.index()]
    }

    /// An error about a node that reads values of all words elsewhere than in a sum over them.
    pub(super) fn beyond_words(&self, id: Id) -> Error {
        self.fault(id, format!("`{}` reads a value for each word that is there in sums alone", self.op(id).word()))
    }

    fn measured(&self) -> Vec<Measured> {
        let of_the_batch = eval::of_the_batch(self.program);
        let one = |metric: &collimate_dsl::ir::Metric| {
            let ty = self.program.node(metric.node).ty;
            let values = self.values(metric.node);
            let (sum, count) = match ty.depth {
                // Every prompt counts for one, so that the sums and counts of a batch's parts add up to the whole's.
                Depth::Batch if of_the_batch[metric.node.index()] => {
                    (values[0] * self.totals.prompts as f64, self.layout.prompts)
                }
                Depth::Constant | Depth::Batch => (values[0] * self.layout.prompts as f64, self.layout.prompts),
                // Of each word there may be the sums at each token alone.
                Depth::EachWord => (values.iter().sum(), self.layout.len(ty)),
                Depth::EachPrompt | Depth::EachResponse | Depth::EachToken => (values.iter().sum(), values.len()),
            };
            Measured { name: metric.name.clone(), sum, count }
        };
        self.program.metrics.iter().map(one).collect()
    }

    fn values(&self, id: Id) -> Vec<f64> {
        match &self.quantities[id.index()] {
            Quantity::Number(number) => vec![*number; self.layout.len(self.program.node(id).ty)],
            Quantity::Many(many) => read(many),
            Quantity::Words => self.word_sums.get(&id).map_or_else(Vec::new, read),
        }
    }

    /// An infinity that a later `min` or clip takes away again is no fault, so only results are looked at.
    fn finite(&self, outcome: &Outcome) -> Result<()> {
        let metric = outcome.metrics.iter().find(|m| !m.sum.is_finite());
        let result = match (outcome.loss.is_finite(), metric) {
            (false, _) => "the loss".to_owned(),
            (true, Some(metric)) => format!("the metric `{}`", metric.name),
            (true, None) if outcome.shares.iter().all(|share| share.is_finite()) => return Ok(()),
            (true, None) => "what the next state is made of".to_owned(),
        };
        let unbounded = |i: &usize| self.values(Id::new(*i)).iter().any(|v| !v.is_finite());
        let first = (0..self.quantities.len()).find(unbounded).map(|i| (i, &self.program.nodes[i]));
        let (step, place) = first.map_or_else(
            || ("its own sum".to_owned(), Place::default()),
            |(i, node)| (format!("%{i}, `{}`,", node.op.word()), node.place.clone()),
        );
        Err(said(EvalError::ResultNotFinite { result, step, place }))
    }

    /// An error about one node.
    pub(super) fn fault(&self, node: Id, message: String) -> Error {
        said(EvalError::Step { message, place: self.program.node(node).place.clone() })
    }

    /// An argument of a pointwise node, one number for each element of the result.
    pub(super) fn lined_up(&mut self, node: Id, position: usize) -> Result<Many<D>> {
        let x = self.argument_spelled_out(node, position)?;
        let places = self.places_of(node, position)?;
        self.gathered(&x, &places)
    }

    /// For each element of a pointwise node, the element of an argument that belongs to it.
    fn places_of(&self, node: Id, position: usize) -> Result<Vec<usize>> {
        let (ty, op) = (self.program.node(node).ty, &self.program.node(node).op);
        let args: Vec<_> = self.program.node(node).args.iter().map(|arg| self.program.node(*arg).ty).collect();
        let from = args[position];
        // Chosen and rejected have one response to each prompt, so two such values meet at the prompt.
        let opposed = ty.depth == Depth::EachPrompt
            && matches!(args[..], [l, r] if l.side != r.side && [l, r].iter().all(|a| a.depth == Depth::EachResponse));
        if let (true, Some(side)) = (opposed, from.side) {
            return eval::only_response(self.layout, side).map_err(|(prompt, found)| {
                let problem = format!("prompt {prompt} has {found} responses of {side}");
                self.fault(node, format!("{problem}, `{}` of two sides needs exactly one: use pairs", op.word()))
            });
        }
        eval::outward(self.layout, from, ty).ok_or_else(|| {
            let word = op.word();
            self.fault(node, format!("`{word}` of a {from} does not give a {ty}: reduce the deeper side first"))
        })
    }

    /// The op of a node.
    pub(super) fn op(&self, node: Id) -> &'a Op {
        &self.program.node(node).op
    }
}

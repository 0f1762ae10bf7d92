//! A [`Program`] as a dfdx graph: the same numbers as [`collimate_dsl::eval`], in f32, on any of dfdx's devices and on
//! dfdx's own tape.

mod group;
mod lower;
mod order;
mod pointwise;
mod reduce;
mod run;
mod special;
#[cfg(test)]
mod tests;
mod words;

use crate::bridge::{self, Traced};
use crate::model::Live;
use crate::{Error, Result};
use collimate_dsl::eval::{self, EvalError, Evaluation, Inputs, Measured, Settings};
use collimate_dsl::ir::{Program, STATE, SideTag};
use collimate_dsl::{Layout, Totals};
use dfdx::prelude::{Cpu, Device, Gradients, OwnedTape};
use run::{Leaf, Run};

/// A step's numbers on one batch, or on a part of one.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// The loss; of a part, its share of the whole's loss.
    pub loss: f64,
    /// The program's metrics, in its order.
    pub metrics: Vec<Measured>,
    /// What the next state is made of; of a part, its shares. As in [`Evaluation`].
    pub shares: Vec<f64>,
}

/// The same answer as [`eval::evaluate`], through dfdx on the CPU. Every live input is a leaf.
///
/// # Errors
/// Anything missing, of the wrong length, or not finite, in the inputs, the settings or the results.
pub fn evaluate(
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
) -> Result<Evaluation> {
    eval::check(program, layout, totals, inputs, settings).map_err(said)?;
    let device = Cpu::default();
    let mut run = Run::new(&device, program, layout, totals, settings, OwnedTape::default());
    let mut leaves = Vec::new();
    run.carry(inputs);
    for (owner, field, side, values) in inputs.iter().filter(|(owner, ..)| *owner != STATE) {
        let live = program.inputs().any(|(_, o, f, ty)| (o, f, ty.side) == (owner, field, side) && ty.live);
        let value = run.upload(values)?;
        if live {
            leaves.push((owner, field, side, value.clone()));
        }
        run.give(Leaf { owner, field, side }, Traced::new(value, live));
    }
    let (outcome, mut gradients) = run.differentiate()?;
    let mut gradient = Inputs::new();
    for (owner, field, side, leaf) in leaves {
        let values = bridge::gradient_of(&mut gradients, &leaf)?;
        if values.iter().any(|v| !v.is_finite()) {
            let name = eval::input_name(owner, field, side);
            return Err(Error::Numeric(format!("the gradient by {name} is not finite in f32: lower its scale")));
        }
        gradient.insert(owner, field, side, values.into_iter().map(f64::from).collect());
    }
    Ok(Evaluation { loss: outcome.loss, gradient, metrics: outcome.metrics, shares: outcome.shares })
}

/// One program on log-probabilities that come live from an engine: the loss and the metrics, and the gradients that
/// dfdx's backward pass left, from which [`crate::model::Engine::collect`] takes the weights' share.
///
/// `live.logp` holds the actor's log-probabilities for every side of the layout, in the layout's order. `inputs` hold
/// everything else that the program reads.
///
/// # Errors
/// As [`evaluate`]; also if the program trains something other than the actor's log-probabilities.
pub fn step<D: Device<f32>>(
    device: &D,
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
    live: Live<D>,
) -> Result<(Outcome, Gradients<f32, D>)> {
    stepped(device, program, layout, totals, inputs, settings, Scored { live, taken: None })
}

/// The same where the engine gives the log-probabilities of all words at each scored token. `taken` are these tokens, of
/// which the actor's log-probabilities are read off.
///
/// # Errors
/// As [`step`].
#[expect(clippy::too_many_arguments, reason = "a step, and the tokens")]
pub fn step_words<D: Device<f32>>(
    device: &D,
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
    live: Live<D>,
    taken: &[u32],
) -> Result<(Outcome, Gradients<f32, D>)> {
    stepped(device, program, layout, totals, inputs, settings, Scored { live, taken: Some(taken) })
}

/// What the engine gives: of each scored token, or of every word at each of them.
struct Scored<'a, D: Device<f32>> {
    live: Live<D>,
    taken: Option<&'a [u32]>,
}

fn stepped<D: Device<f32>>(
    device: &D,
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
    scored: Scored<'_, D>,
) -> Result<(Outcome, Gradients<f32, D>)> {
    let actor = actor_by_side(layout, &scored)?;
    let live = scored.live;
    let mut given = inputs.clone();
    for part in &actor {
        given.insert("actor", part.field, Some(part.side), part.values.clone());
    }
    eval::check(program, layout, totals, &given, settings).map_err(said)?;
    let mut run = Run::new(device, program, layout, totals, settings, live.tape);
    run.carry(inputs);
    for (owner, field, side, values) in inputs.iter().filter(|(owner, ..)| *owner != STATE) {
        let value = run.upload(values)?;
        run.give(Leaf { owner, field, side }, Traced::fixed(value));
    }
    let whole = Traced::new(live.logp, true);
    for Part { side, field, places, .. } in actor {
        let part = run.gathered(&whole, &places)?;
        run.give(Leaf { owner: "actor", field, side: Some(side) }, part);
    }
    for (_, owner, field, ty) in program.inputs().filter(|(.., ty)| ty.live) {
        if owner != "actor" || !matches!(field, "logp" | "words") {
            let name = eval::input_name(owner, field, ty.side);
            let problem = "is to be trained, but a step trains only the actor's log-probabilities";
            return Err(Error::Setting(format!("`{}`: {name} {problem}", program.name)));
        }
    }
    run.differentiate()
}

/// One side's share of the engine's log-probabilities.
struct Part {
    side: SideTag,
    /// `logp` or `words`.
    field: &'static str,
    /// Where they lie.
    places: Vec<usize>,
    values: Vec<f64>,
}

fn actor_by_side<D: Device<f32>>(layout: &Layout, scored: &Scored<'_, D>) -> Result<Vec<Part>> {
    let values = scored.live.logp.as_vec();
    let part = |side, field, places: Vec<usize>| {
        let values = places.iter().filter_map(|place| values.get(*place)).copied().map(f64::from).collect();
        Part { side, field, places, values }
    };
    let each = if scored.taken.is_some() { layout.words } else { 1 };
    let mut end = 0;
    let mut parts = Vec::new();
    for (side, reaches) in &layout.sides {
        let tokens = end..end + reaches.iter().map(|reach| reach.tokens).sum::<usize>();
        end = tokens.end;
        match scored.taken {
            None => parts.push(part(*side, "logp", tokens.collect())),
            Some(taken) => {
                parts.push(part(*side, "words", (tokens.start * each..tokens.end * each).collect()));
                let word = |token: usize| taken.get(token).map(|word| token * each + *word as usize);
                parts.push(part(*side, "logp", tokens.filter_map(word).collect()));
            }
        }
    }
    if end * each == values.len() && scored.taken.is_none_or(|taken| taken.len() == end) {
        return Ok(parts);
    }
    let found = values.len() / each.max(1);
    Err(Error::Numeric(format!("the engine scored {found} tokens where the batch has {end}")))
}

/// An error of the language as one of the runtime's.
fn said(error: EvalError) -> Error {
    Error::Numeric(error.to_string())
}

/// Makes the compiler check the lowering for dfdx's CUDA device, where nothing else asks for it.
#[cfg(feature = "cuda")]
const _: fn() = || {
    let _ = step::<dfdx::prelude::Cuda>;
};

//! A [`Program`] as a dfdx graph: the same numbers as [`collimate_dsl::eval`], in f32, on any of dfdx's devices and on
//! dfdx's own tape.

mod cut;
mod group;
mod lower;
mod order;
mod pointwise;
mod reduce;
mod region;
mod run;
mod source;
mod special;
#[cfg(test)]
mod tests;
mod words;

use crate::bridge::{self, Traced};
use crate::model::Live;
use crate::{Error, Result};
use collimate_dsl::eval::{self, EvalError, Evaluation, Inputs, Measured, Settings};
use collimate_dsl::ir::{Depth, Program, STATE};
use collimate_dsl::{Layout, Totals};
pub use cut::{Cut, Whole, WordPass, cut};
use dfdx::prelude::{Cpu, Device, Gradients, OwnedTape};
use region::Regions;
pub use region::Words;
use run::{Leaf, Run};
pub use source::{Field, Form, Share, Source, actor_shares, value_shares};

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
    evaluate_on(&Cpu::default(), program, layout, totals, inputs, settings)
}

/// The same on any of dfdx's devices.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_on<D: Device<f32>>(
    device: &D,
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
) -> Result<Evaluation> {
    eval::check(program, layout, totals, inputs, settings).map_err(said)?;
    evaluate_with(device, program, layout, totals, inputs, settings, None)
}

/// The same where what is read for each word comes from hidden states, and no matrix of tokens and words is made. The gradient
/// by them is gathered there, if they are trained.
///
/// # Errors
/// As [`evaluate`]; also if the program cannot be [`cut`].
pub fn evaluate_by_words(
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
    words: Vec<Words>,
) -> Result<Evaluation> {
    eval::check_besides_words(program, layout, totals, inputs, settings).map_err(said)?;
    let regions = regions(program, layout, words)?;
    evaluate_with(&Cpu::default(), program, layout, totals, inputs, settings, Some(regions))
}

fn evaluate_with<D: Device<f32>>(
    device: &D,
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
    regions: Option<Regions>,
) -> Result<Evaluation> {
    let mut run = Run::new(device, program, layout, totals, settings, OwnedTape::default());
    run.regions = regions;
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
    let asked = tokens(layout);
    let source = Source { live, asked, shares: source::actor_shares(layout, None) };
    step_of(device, program, layout, totals, inputs, settings, vec![source])
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
    let asked = tokens(layout) * layout.words;
    let source = Source { live, asked, shares: source::actor_shares(layout, Some(taken)) };
    step_of(device, program, layout, totals, inputs, settings, vec![source])
}

/// The same with live numbers of several engines, e.g. an actor's and its critic's, or with those of a reward model.
///
/// # Errors
/// As [`evaluate`]; also if the program trains something that no engine gives, or an engine gave another number of
/// numbers than the layout asks for.
pub fn step_of<D: Device<f32>>(
    device: &D,
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
    sources: Vec<Source<D>>,
) -> Result<(Outcome, Gradients<f32, D>)> {
    step_with(device, program, layout, totals, inputs, settings, sources, None)
}

/// The same where what is read for each word comes from hidden states, and no matrix of tokens and words is made.
///
/// # Errors
/// As [`step_of`]; also if the program cannot be [`cut`].
#[expect(clippy::too_many_arguments, reason = "a step, and the policies whose words are read")]
pub fn step_by_words<D: Device<f32>>(
    device: &D,
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
    sources: Vec<Source<D>>,
    words: Vec<Words>,
) -> Result<(Outcome, Gradients<f32, D>)> {
    let regions = regions(program, layout, words)?;
    step_with(device, program, layout, totals, inputs, settings, sources, Some(regions))
}

/// A program's passes over words, with the policies that they read.
fn regions(program: &Program, layout: &Layout, words: Vec<Words>) -> Result<Regions> {
    let cut = cut(program).map_err(|why| Error::Setting(format!("`{}`: {why}", program.name)))?;
    let asked = tokens(layout);
    if let Some(odd) = words.iter().find(|words| words.states.tokens() != asked) {
        let found = odd.states.tokens();
        let problem = format!("`{}` gave states of {found} tokens where the batch asks for {asked}", odd.owner);
        return Err(Error::Numeric(problem));
    }
    Ok(Regions { cut, words })
}

#[expect(clippy::too_many_arguments, reason = "a step, and what finds sums over words")]
fn step_with<D: Device<f32>>(
    device: &D,
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
    sources: Vec<Source<D>>,
    regions: Option<Regions>,
) -> Result<(Outcome, Gradients<f32, D>)> {
    let mut given = inputs.clone();
    for source in &sources {
        let numbers = source.live.logp.as_vec();
        let (found, asked) = (numbers.len(), source.asked);
        if asked != found {
            return Err(Error::Numeric(format!("an engine gave {found} numbers where the batch asks for {asked}")));
        }
        for share in &source.shares {
            given.insert(&share.owner, &share.field, Some(share.side), share.read(&numbers));
        }
    }
    for (_, owner, field, ty) in program.inputs().filter(|(.., ty)| ty.live) {
        let gives = |share: &Share| (share.owner.as_str(), share.field.as_str()) == (owner, field);
        let by_words = |regions: &Regions| regions.words.iter().any(|words| words.owner == owner);
        if ty.depth == Depth::EachWord && regions.as_ref().is_some_and(by_words) {
            continue;
        }
        if !sources.iter().any(|source| source.shares.iter().any(gives)) {
            let name = eval::input_name(owner, field, ty.side);
            let problem = "is to be trained, but no model gives it to this step";
            return Err(Error::Setting(format!("`{}`: {name} {problem}", program.name)));
        }
    }
    match regions {
        None => eval::check(program, layout, totals, &given, settings).map_err(said)?,
        Some(_) => eval::check_besides_words(program, layout, totals, &given, settings).map_err(said)?,
    }
    let (wholes, tapes): (Vec<_>, Vec<_>) =
        sources.into_iter().map(|source| ((source.live.logp, source.shares), source.live.tape)).unzip();
    let mut run = Run::new(device, program, layout, totals, settings, bridge::merged(tapes));
    run.regions = regions;
    run.carry(inputs);
    for (owner, field, side, values) in inputs.iter().filter(|(owner, ..)| *owner != STATE) {
        let value = run.upload(values)?;
        run.give(Leaf { owner, field, side }, Traced::fixed(value));
    }
    for (numbers, shares) in &wholes {
        let whole = Traced::new(numbers.clone(), true);
        for Share { owner, field, side, places, form } in shares {
            let part = run.gathered(&whole, places)?;
            let part = run.formed(&part, *form)?;
            run.give(Leaf { owner, field, side: Some(*side) }, part);
        }
    }
    run.differentiate()
}

/// The scored tokens of a layout.
fn tokens(layout: &Layout) -> usize {
    layout.sides.iter().flat_map(|(_, reaches)| reaches).map(|reach| reach.tokens).sum()
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

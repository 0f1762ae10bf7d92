//! Frozen policies that are asked as each batch comes: a teacher, and those of which every word of the vocabulary is read,
//! since numbers for every word of every row would fill the memory if they were kept.

use crate::data::Batch;
use crate::model::{Engine, Weights};
use crate::{Error, Result};
use collimate_dsl::eval::Inputs;
use collimate_dsl::ir::{Depth, Program};
use dfdx::prelude::Device;

/// The policy that comes from a folder of its own.
pub(super) const TEACHER: &str = "teacher";

/// A policy that is asked, and whether about all words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ask {
    pub(super) owner: String,
    words: bool,
}

/// The same with what answers.
pub(super) struct Asked<D: Device<f32>> {
    pub(super) ask: Ask,
    pub(super) engine: Box<dyn Engine<D>>,
}

/// Which policies of a program are asked as each batch comes.
pub(super) fn asks(program: &Program) -> Vec<Ask> {
    let mut asks: Vec<Ask> = Vec::new();
    for (_, owner, field, ty) in program.inputs() {
        let words = field == "words";
        if ty.live || !(words || owner == TEACHER) {
            continue;
        }
        match asks.iter_mut().find(|ask| ask.owner == owner) {
            Some(ask) => ask.words |= words,
            None => asks.push(Ask { owner: owner.to_owned(), words }),
        }
    }
    asks
}

/// How many words a batch's layout must tell of: those of the model, if anything is read for each word.
pub(super) fn words(program: &Program, weights: &Weights) -> usize {
    let any = program.nodes.iter().any(|node| node.ty.depth == Depth::EachWord);
    if any { weights.config.vocab_size } else { 0 }
}

/// Is there a teacher where one is read, and none where not, and does it know the same words?
///
/// # Errors
/// If not.
pub(super) fn check(program: &Program, weights: &Weights, teacher: Option<&Weights>) -> Result<()> {
    let name = program.name.replace('_', "-");
    let read = asks(program).iter().any(|ask| ask.owner == TEACHER);
    let problem = match (read, teacher) {
        (true, None) => format!("`{name}` learns from a teacher; name its folder with --teacher"),
        (false, Some(_)) => format!("`{name}` reads no teacher; leave --teacher out"),
        (true, Some(teacher)) if teacher.config.vocab_size != weights.config.vocab_size => {
            let (there, here) = (teacher.config.vocab_size, weights.config.vocab_size);
            format!("the teacher has a vocabulary of {there} words and the model one of {here}; they must be the same")
        }
        _ => return Ok(()),
    };
    Err(Error::Setting(problem))
}

impl<D: Device<f32>> Asked<D> {
    /// Puts what the policy says of a batch among a program's inputs.
    pub(super) fn answer(&self, inputs: &mut Inputs, batch: &Batch) -> Result<()> {
        if self.ask.words {
            put_words(inputs, &self.ask.owner, batch, &self.engine.score_words(&batch.sequences)?);
        } else {
            put(inputs, &self.ask.owner, batch, &self.engine.score(&batch.sequences)?);
        }
        Ok(())
    }
}

/// Log-probabilities by side, as the batch lays them out.
pub(super) fn put(inputs: &mut Inputs, owner: &str, batch: &Batch, logp: &[f32]) {
    put_by_side(inputs, (owner, "logp"), batch, logp, 1);
}

/// The same for all words, and of them the tokens' own.
pub(super) fn put_words(inputs: &mut Inputs, owner: &str, batch: &Batch, words: &[f32]) {
    let count = batch.layout.words;
    let own: Vec<f32> = words.chunks(count).zip(taken(batch)).map(|(words, token)| words[token as usize]).collect();
    put_by_side(inputs, (owner, "words"), batch, words, count);
    put(inputs, owner, batch, &own);
}

fn put_by_side(inputs: &mut Inputs, (owner, field): (&str, &str), batch: &Batch, values: &[f32], each: usize) {
    let mut rest = values;
    for (side, reaches) in &batch.layout.sides {
        let (here, after) = rest.split_at(each * reaches.iter().map(|reach| reach.tokens).sum::<usize>());
        inputs.insert(owner, field, Some(*side), here.iter().map(|x| f64::from(*x)).collect());
        rest = after;
    }
}

/// The scored tokens of a batch, in its order.
pub(super) fn taken(batch: &Batch) -> Vec<u32> {
    let sequences = &batch.sequences;
    sequences.spans.iter().flat_map(|span| sequences.tokens[span.scored.clone()].iter().copied()).collect()
}

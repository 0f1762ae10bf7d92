//! Frozen policies that are asked as each batch comes: a teacher, and those of which every word of the vocabulary is read,
//! since numbers for every word of every row would fill the memory if they were kept.

use crate::compile::Words;
use crate::data::Batch;
use crate::model::{Engine, GivesStates, Weights};
use crate::{Error, Result};
use collimate_dsl::eval::Inputs;
use collimate_dsl::ir::{Depth, Program};
use dfdx::prelude::Device;
use std::sync::Arc;

/// The policy that comes from a folder of its own.
pub(super) const TEACHER: &str = "teacher";

/// A policy that is asked, and about what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ask {
    pub(super) owner: String,
    about: About,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum About {
    /// The log-probability of each scored token.
    Tokens,
    /// Those of all words there.
    Words,
    /// Its states there, of which all words are read a part at a time; and the first, if `logp`.
    States { logp: bool },
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
        let about = if words { About::Words } else { About::Tokens };
        match asks.iter_mut().find(|ask| ask.owner == owner) {
            Some(ask) if words => ask.about = about,
            Some(_) => {}
            None => asks.push(Ask { owner: owner.to_owned(), about }),
        }
    }
    asks
}

/// Does a program read of a policy what it says of the tokens themselves?
pub(super) fn reads_tokens(program: &Program, owner: &str) -> bool {
    program.inputs().any(|(_, whose, field, _)| (whose, field) == (owner, "logp"))
}

/// Does a program read anything for each word?
pub(super) fn reads_words(program: &Program) -> bool {
    program.nodes.iter().any(|node| node.ty.depth == Depth::EachWord)
}

/// How many words a batch's layout must tell of: those of the model, if anything is read for each word.
pub(super) fn words(program: &Program, weights: &Weights) -> usize {
    if reads_words(program) { weights.config.vocab_size } else { 0 }
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
    /// Is it asked about all words, and gives nothing that they can be read from a part at a time?
    pub(super) fn keeps_words(&self) -> bool {
        self.ask.about == About::Words && self.engine.gives_states().is_none()
    }

    /// From now on it is asked for states instead of all words.
    pub(super) fn read_by_states(&mut self, program: &Program) {
        if self.ask.about == About::Words {
            self.ask.about = About::States { logp: reads_tokens(program, &self.ask.owner) };
        }
    }

    /// Puts what the policy says of a batch among a program's inputs; gives its states if these are asked for.
    pub(super) fn answer(&self, inputs: &mut Inputs, batch: &Batch) -> Result<Option<Words>> {
        let Ask { owner, about } = &self.ask;
        match about {
            About::Tokens => put(inputs, owner, batch, &self.engine.score(&batch.sequences)?),
            About::Words => put_words(inputs, owner, batch, &self.engine.score_words(&batch.sequences)?),
            About::States { logp } => {
                let (said, states) = states(&*self.engine)?.score_states(&batch.sequences, *logp)?;
                if let Some(said) = said {
                    put(inputs, owner, batch, &said);
                }
                return Ok(Some(Words { owner: owner.clone(), states: Arc::new(states) }));
            }
        }
        Ok(None)
    }
}

/// An engine as one that gives states.
///
/// # Errors
/// If it does not.
pub(super) fn states<D: Device<f32>>(engine: &dyn Engine<D>) -> Result<&dyn GivesStates<D>> {
    engine.gives_states().ok_or_else(|| Error::Setting(NO_STATES.to_owned()))
}

/// What is said of an engine that keeps all words.
pub(super) const NO_STATES: &str = "this engine gives no hidden states that they could be computed from";

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

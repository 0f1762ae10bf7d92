//! A row as tokens.

use super::record::{Origin, Row};
use super::view::View;
use crate::checkpoint::Hash;
use crate::tokenizer::Tokenizer;
use crate::{Error, Result};

/// What a row must fit into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Longest sequence, prompt and response together. Longer ones lose the end of the response.
    pub max_length: usize,
    /// Words the model knows.
    pub vocabulary: usize,
}

/// A row as tokens.
#[derive(Clone, PartialEq, Debug)]
pub struct Example {
    /// Where the row was read.
    pub origin: Origin,
    /// Read, not scored; never empty.
    pub prompt: Vec<u32>,
    /// In the order of the record, scored; never empty.
    pub responses: Vec<Vec<u32>>,
    /// For each number of the view, one value, or in a group one for each response.
    pub numbers: Vec<Vec<f64>>,
    /// How many tokens a response to this prompt may have.
    pub room: usize,
    /// Its place among the rows that were kept; those of a second data set come after the first's.
    pub row: usize,
}

/// A row that was left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dropped {
    /// Where it was read.
    pub origin: Origin,
    /// Why, in words.
    pub reason: String,
}

impl std::fmt::Display for Dropped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: left out: {}", self.origin, self.reason)
    }
}

/// The rows of a data set as tokens.
#[derive(Clone, PartialEq, Debug)]
pub struct Examples {
    /// What each holds.
    pub view: View,
    /// In the order of the rows.
    pub examples: Vec<Example>,
    /// Rows that did not fit.
    pub dropped: Vec<Dropped>,
    /// How many responses lost their end. Such a response has no end token: it did not end there.
    pub cut: usize,
}

impl Examples {
    /// Encodes the prompts of rows, to which responses are yet to be drawn. A prompt that leaves no room for any is
    /// dropped.
    ///
    /// # Errors
    /// As [`Examples::encode`].
    pub fn prompts(rows: &[Row], view: &View, tokenizer: &Tokenizer, limits: Limits) -> Result<Self> {
        let mut bare = view.clone();
        bare.numbers.clear();
        Self::each(rows, view, |row| encode(row, &bare, tokenizer, limits, true))
    }

    /// Encodes rows. A response that is too long keeps its beginning; a row whose prompt leaves no room for
    /// any token of a response is dropped.
    ///
    /// # Errors
    /// If a row is not what the view needs, the tokenizer refuses a text or gives a token that the model does
    /// not know, or no row is left.
    pub fn encode(rows: &[Row], view: &View, tokenizer: &Tokenizer, limits: Limits) -> Result<Self> {
        Self::each(rows, view, |row| encode(row, view, tokenizer, limits, false))
    }

    fn each(rows: &[Row], view: &View, encode: impl Fn(&Row) -> Result<Encoded> + Sync) -> Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = rows.len().div_ceil(threads).max(1);
        let encoded: Vec<Result<Vec<Encoded>>> = std::thread::scope(|scope| {
            let work = |part: &[Row]| part.iter().map(&encode).collect();
            let running: Vec<_> = rows.chunks(share).map(|part| scope.spawn(move || work(part))).collect();
            running.into_iter().map(|thread| thread.join().expect("encoding does not panic")).collect()
        });
        let mut all = Examples { view: view.clone(), examples: Vec::new(), dropped: Vec::new(), cut: 0 };
        for part in encoded {
            for row in part? {
                match row {
                    Encoded::Kept(example, cut) => {
                        all.examples.push(Example { row: all.examples.len(), ..example });
                        all.cut += cut;
                    }
                    Encoded::Dropped(dropped) => all.dropped.push(dropped),
                }
            }
        }
        match (all.examples.is_empty(), all.dropped.first()) {
            (false, _) => Ok(all),
            (true, None) => Err(Error::Setting("there are no rows; name a file with at least one".to_owned())),
            (true, Some(first)) => Err(first.origin.error(format!(
                "{}, and none of the {} rows is left; allow a larger --max-length",
                first.reason,
                all.dropped.len()
            ))),
        }
    }
}

impl Examples {
    /// Of everything that training reads of them, so that a change is noticed.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut bytes = Vec::new();
        for example in &self.examples {
            for tokens in std::iter::once(&example.prompt).chain(&example.responses) {
                bytes.extend((tokens.len() as u64).to_le_bytes());
                tokens.iter().for_each(|token| bytes.extend(token.to_le_bytes()));
            }
            example.numbers.iter().flatten().for_each(|number| bytes.extend(number.to_le_bytes()));
        }
        Hash::of_bytes(&bytes)
    }
}

enum Encoded {
    /// With how many of its responses were cut.
    Kept(Example, usize),
    Dropped(Dropped),
}

fn encode(row: &Row, view: &View, tokenizer: &Tokenizer, limits: Limits, bare: bool) -> Result<Encoded> {
    let Row { origin, record } = row;
    if let Some(reason) = record.unusable {
        return Ok(Encoded::Dropped(Dropped { origin: origin.clone(), reason: reason.to_owned() }));
    }
    if !bare && !view.shape.holds(record.responses.len()) {
        return Err(origin.error(format!("this row is not what `{}` needs", view.owner)));
    }
    let numbers = view.numbers.iter().map(|(field, _)| {
        let each = if view.names().is_some() { 1 } else { record.responses.len() };
        match record.numbers.get(field) {
            Some(values) if values.len() == each => Ok(values.clone()),
            Some(values) => Err(origin.error(format!("`{field}` has {} values where {each} are needed", values.len()))),
            None => Err(origin.error(format!("the field `{field}` is missing; write a number there"))),
        }
    });
    let numbers = numbers.collect::<Result<_>>()?;
    let spans = record.spans(tokenizer, view.names()).map_err(|e| origin.place(e))?;
    let outside = spans.responses.iter().flatten().chain(&spans.prompt).find(|t| **t as usize >= limits.vocabulary);
    if let Some(token) = outside {
        return Err(origin.error(format!(
            "the tokenizer gives token {token}, but the model knows {} words only; use the tokenizer of this model",
            limits.vocabulary
        )));
    }
    let room = limits.max_length.saturating_sub(spans.prompt.len());
    if room == 0 {
        let reason = format!(
            "the prompt has {} tokens and leaves no room for a response in --max-length {}",
            spans.prompt.len(),
            limits.max_length
        );
        return Ok(Encoded::Dropped(Dropped { origin: origin.clone(), reason }));
    }
    let mut responses = spans.responses;
    let cut = responses.iter().filter(|r| r.len() > room).count();
    responses.iter_mut().for_each(|r| r.truncate(room));
    Ok(Encoded::Kept(Example { origin: origin.clone(), prompt: spans.prompt, responses, numbers, room, row: 0 }, cut))
}

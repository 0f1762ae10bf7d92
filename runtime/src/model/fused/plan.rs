//! What a batch asks for, checked against the model before any number is computed.

use super::ends;
use super::sharing::{self, Laid, Responses};
use crate::{
    Result,
    model::{ModelConfig, Sequences, ValuesAt},
};
use collimate_kernels::{attention::Segment, cuda::bucket};
use std::ops::Range;

/// The rows of a batch: one for each token that is read.
#[derive(Debug)]
pub(super) struct Plan {
    /// The token of each row.
    pub(super) tokens: Vec<u32>,
    /// Its place in its sequence.
    pub(super) positions: Vec<u32>,
    /// Who sees whom.
    segments: Vec<Segment>,
    /// The same in the last layer, of which only the wanted rows are asked for.
    last: Vec<Segment>,
    /// The rows whose last hidden state is read, in their order.
    pub(super) wanted: Vec<u32>,
    /// For each scored token, in the order of the batch, the row before it, whose hidden state says how likely it is: its
    /// place among the wanted. Where values of ends are asked for, the last row of each sequence.
    pub(super) rows: Vec<u32>,
    /// The scored tokens; empty where ends are asked for.
    pub(super) targets: Vec<u32>,
    /// How many of `rows` somebody asked for; what comes after them fills up.
    pub(super) asked: usize,
}

/// Some of the scored tokens of a batch, one after another.
#[derive(Debug)]
pub(super) struct Scored<'a> {
    pub(super) plan: &'a Plan,
    /// Which of [`Plan::rows`], and of whatever has a row for each of these.
    pub(super) tokens: Range<usize>,
}

impl Scored<'_> {
    /// Where their rows lie in a matrix of this width.
    pub(super) fn rows(&self, width: usize) -> Range<usize> {
        self.tokens.start * width..self.tokens.end * width
    }
}

impl Plan {
    /// All scored tokens of a batch; if `shared`, sequences that begin with the same context read it once, and what no
    /// scored token sees is not read at all.
    ///
    /// # Errors
    /// If a sequence is longer than the model's positions, or a token outside its vocabulary.
    pub(super) fn new(batch: &Sequences, config: &ModelConfig, shared: bool) -> Result<Self> {
        batch.check(config)?;
        let laid = if shared { sharing::shared(batch) } else { sharing::apart(batch) };
        Ok(Plan::of(batch, laid))
    }

    /// The states that a head of labels is asked about.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub(super) fn values(batch: &Sequences, config: &ModelConfig, shared: bool, at: ValuesAt) -> Result<Self> {
        match at {
            ValuesAt::Scored => Plan::new(batch, config, shared),
            ValuesAt::End => {
                batch.check(config)?;
                let (laid, ends) = if shared { ends::shared(batch) } else { ends::apart(batch) };
                let mut plan = Plan::of(batch, laid);
                let place =
                    |end: &usize| plan.wanted.binary_search(&(*end as u32)).expect("every end is wanted") as u32;
                plan.rows = ends.iter().map(place).collect();
                plan.asked = ends.len();
                plan.targets = Vec::new();
                Ok(plan)
            }
        }
    }

    /// Prompts, of which all rows are read and the last state of each is wanted.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub(super) fn prompts(batch: &Sequences, config: &ModelConfig) -> Result<Self> {
        batch.check(config)?;
        let mut laid = sharing::apart(batch);
        for (wanted, segment) in laid.wanted.iter_mut().zip(&laid.segments) {
            *wanted = segment.own.end - 1..segment.own.end;
        }
        Ok(Plan::of(batch, laid))
    }

    /// One token of each of some sequences, with its place in its sequence; whom it sees is for others to say.
    pub(super) fn single(next: impl Iterator<Item = (u32, u32)>) -> Self {
        let (tokens, positions) = next.unzip();
        let (segments, last, wanted, rows, targets, asked) = Default::default();
        Plan { tokens, positions, segments, last, wanted, rows, targets, asked }
    }

    fn of(batch: &Sequences, laid: Laid) -> Self {
        let Laid { tokens, positions, segments, wanted, responses } = laid;
        let last =
            segments.iter().zip(&wanted).map(|(segment, wanted)| segment.clone().asking(wanted.clone())).collect();
        let mut place = vec![u32::MAX; tokens.len()];
        let wanted: Vec<u32> = wanted.into_iter().flatten().map(|row| row as u32).collect();
        for (i, row) in wanted.iter().enumerate() {
            place[*row as usize] = i as u32;
        }
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        for (span, Responses { before, first }) in batch.spans.iter().zip(responses) {
            for (i, scored) in span.scored.clone().enumerate() {
                rows.push(place[if i == 0 { before } else { first + i - 1 }]);
                targets.push(batch.tokens[scored]);
            }
        }
        let asked = rows.len();
        Plan { tokens, positions, segments, last, wanted, rows, targets, asked }
    }

    /// All scored tokens, and what fills up.
    pub(super) fn scored(&self) -> Scored<'_> {
        self.some(0..self.rows.len())
    }

    /// Some of them.
    pub(super) fn some(&self, tokens: Range<usize>) -> Scored<'_> {
        Scored { plan: self, tokens }
    }

    /// Filled up, so that batches of nearly the same size are of the same: with rows that nobody sees and nothing is asked
    /// of, and with first rows asked for again, whose answers nobody reads. No gradient comes from either.
    pub(super) fn filled(mut self) -> Self {
        for list in [&mut self.tokens, &mut self.positions, &mut self.wanted, &mut self.rows, &mut self.targets] {
            list.resize(bucket(list.len()), 0);
        }
        self
    }

    /// Who sees whom, in the last layer or another.
    pub(super) fn segments(&self, last: bool) -> &[Segment] {
        if last { &self.last } else { &self.segments }
    }

    /// Positions in the longest sequence.
    pub(super) fn longest(&self) -> usize {
        self.positions.iter().max().map_or(0, |&last| last as usize + 1)
    }
}

//! What a model is run on: token sequences laid one after another, none padded.

use super::ModelConfig;
use crate::{Error, Result};
use std::ops::Range;

/// Sequences of tokens and which of their tokens are to be scored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sequences {
    /// All tokens, sequence after sequence.
    pub tokens: Vec<u32>,
    /// One for each sequence.
    pub spans: Vec<Span>,
}

/// Which states of a sequence a head of labels is asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValuesAt {
    /// The state before each scored token, as a critic is asked: what is to come once that token's turn is reached.
    Scored,
    /// The state after the last token of each sequence, as a reward model is asked: one for each sequence, be anything
    /// scored in it or not.
    End,
}

impl ValuesAt {
    /// How many states of these sequences that is.
    #[must_use]
    pub fn count(self, batch: &Sequences) -> usize {
        match self {
            ValuesAt::Scored => batch.scored(),
            ValuesAt::End => batch.spans.len(),
        }
    }
}

/// One sequence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Span {
    /// Where it lies in [`Sequences::tokens`].
    pub range: Range<usize>,
    /// Which of its tokens are scored: positions in [`Sequences::tokens`], inside `range` and after its first.
    pub scored: Range<usize>,
}

impl Sequences {
    /// Adds a sequence: `context` is read, `scored` is read and scored.
    ///
    /// # Panics
    /// If `context` is empty: the first token of a sequence has no probability.
    pub fn push(&mut self, context: &[u32], scored: &[u32]) {
        assert!(!context.is_empty(), "a scored token needs a token before it");
        let start = self.tokens.len();
        self.tokens.extend_from_slice(context);
        let middle = self.tokens.len();
        self.tokens.extend_from_slice(scored);
        let end = self.tokens.len();
        self.spans.push(Span { range: start..end, scored: middle..end });
    }

    /// Adds all sequences of another batch.
    pub fn extend(&mut self, other: &Sequences) {
        let start = self.tokens.len();
        let moved = |range: &Range<usize>| range.start + start..range.end + start;
        self.tokens.extend_from_slice(&other.tokens);
        self.spans
            .extend(other.spans.iter().map(|span| Span { range: moved(&span.range), scored: moved(&span.scored) }));
    }

    /// How many tokens are scored.
    #[must_use]
    pub fn scored(&self) -> usize {
        self.spans.iter().map(|s| s.scored.len()).sum()
    }

    /// Can a model of this shape read them?
    ///
    /// # Errors
    /// If a sequence is longer than the model's positions or its sliding window, or a token outside its vocabulary.
    pub fn check(&self, config: &ModelConfig) -> Result<()> {
        if let Some(token) = self.tokens.iter().find(|token| **token as usize >= config.vocab_size) {
            let words = config.vocab_size;
            let problem = format!("token {token} is outside the model's vocabulary of {words}");
            return Err(Error::Numeric(format!("{problem}: use the tokenizer the model was made with")));
        }
        let longest = config.longest();
        match self.spans.iter().map(|span| span.range.len()).find(|length| *length > longest) {
            None => Ok(()),
            Some(length) => {
                let problem = format!("a sequence of {length} tokens is longer than {}", config.bound());
                Err(Error::Numeric(format!("{problem}: lower --max-length or --max-new-tokens")))
            }
        }
    }
}

//! What a batch asks for, checked against the model before any number is computed.

use crate::{
    Error, Result,
    model::{ModelConfig, Sequences},
};
use std::ops::Range;

/// The rows of a batch: one for each token.
#[derive(Debug)]
pub(super) struct Plan {
    /// The token of each row.
    pub(super) tokens: Vec<u32>,
    /// Its place in its sequence.
    pub(super) positions: Vec<u32>,
    /// The rows of each sequence.
    pub(super) sequences: Vec<Range<usize>>,
    /// For each scored token the row before it, whose hidden state says how likely it is.
    pub(super) rows: Vec<u32>,
    /// The scored tokens.
    pub(super) targets: Vec<u32>,
}

impl Plan {
    /// # Errors
    /// If a sequence is longer than the model's positions, or a token outside its vocabulary.
    pub(super) fn new(batch: &Sequences, config: &ModelConfig) -> Result<Self> {
        check_tokens(&batch.tokens, config)?;
        let mut positions = Vec::with_capacity(batch.tokens.len());
        let (mut rows, mut targets) = (Vec::new(), Vec::new());
        for span in &batch.spans {
            check_length(span.range.len(), config)?;
            assert_eq!(span.range.start, positions.len(), "sequences lie one after another");
            positions.extend(0..span.range.len() as u32);
            for scored in span.scored.clone() {
                assert!(span.range.start < scored && scored < span.range.end, "a scored token has one before it");
                rows.push(scored as u32 - 1);
                targets.push(batch.tokens[scored]);
            }
        }
        assert_eq!(positions.len(), batch.tokens.len(), "every token belongs to a sequence");
        let sequences = batch.spans.iter().map(|span| span.range.clone()).collect();
        Ok(Plan { tokens: batch.tokens.clone(), positions, sequences, rows, targets })
    }

    /// The longest sequence.
    pub(super) fn longest(&self) -> usize {
        self.sequences.iter().map(ExactSizeIterator::len).max().unwrap_or(0)
    }
}

/// # Errors
/// If a token is outside the vocabulary.
pub(super) fn check_tokens(tokens: &[u32], config: &ModelConfig) -> Result<()> {
    match tokens.iter().find(|&&token| token as usize >= config.vocab_size) {
        None => Ok(()),
        Some(token) => Err(Error::Numeric(format!(
            "token {token} is outside the model's vocabulary of {}: use the tokenizer the model was made with",
            config.vocab_size
        ))),
    }
}

/// # Errors
/// If a sequence is longer than the model's positions.
pub(super) fn check_length(length: usize, config: &ModelConfig) -> Result<()> {
    if length <= config.max_position_embeddings {
        return Ok(());
    }
    Err(Error::Numeric(format!(
        "a sequence of {length} tokens is longer than the model's {} positions: lower --max-length or --max-new-tokens",
        config.max_position_embeddings
    )))
}

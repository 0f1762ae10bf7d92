//! Where the tokens of a batch lie when sequences that begin alike share that beginning.

use crate::model::{Sequences, Span};
use collimate_kernels::attention::Segment;
use std::collections::HashMap;
use std::ops::Range;

/// The rows of a batch.
#[derive(PartialEq, Eq, Debug, Default)]
pub(super) struct Laid {
    pub(super) tokens: Vec<u32>,
    pub(super) positions: Vec<u32>,
    /// Who sees whom.
    pub(super) segments: Vec<Segment>,
    /// Of each segment, the rows whose last hidden state a scored token is predicted from.
    pub(super) wanted: Vec<Range<usize>>,
    /// For each sequence of the batch, where its scored tokens lie.
    pub(super) responses: Vec<Responses>,
}

/// Where the scored tokens of a sequence lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Responses {
    /// The row before the first.
    pub(super) before: usize,
    /// The row of the first.
    pub(super) first: usize,
}

/// Every sequence on its own.
pub(super) fn apart(batch: &Sequences) -> Laid {
    let mut laid = Laid::default();
    for span in &batch.spans {
        let rows = laid.push(&batch.tokens[span.range.clone()], 0);
        let (first, end) =
            (rows.start + span.scored.start - span.range.start, rows.start + span.scored.end - span.range.start);
        laid.responses.push(Responses { before: first.saturating_sub(1), first });
        laid.wanted.push(if first < end { first - 1..end - 1 } else { end..end });
        laid.segments.push(Segment::alone(rows));
    }
    laid
}

/// Sequences with the same context have it in common: its rows come once, then those of each response.
///
/// The last token of a response is predicted and never read, and neither is a sequence of which nothing is scored, or
/// what follows the scored tokens.
pub(super) fn shared(batch: &Sequences) -> Laid {
    let mut laid = Laid { responses: vec![Responses::default(); batch.spans.len()], ..Laid::default() };
    for family in families(batch, |span| !span.scored.is_empty()) {
        let context = context(batch, &batch.spans[family[0]]);
        // One response needs no segment of its own: it goes on where the context ends.
        if let [only] = family[..] {
            let scored = scored(batch, only);
            let rows = laid.push(context, 0);
            let first = rows.end;
            let rows = rows.start..laid.push(&scored[..scored.len() - 1], context.len()).end;
            laid.responses[only] = Responses { before: first - 1, first };
            laid.wanted.push(first - 1..rows.end);
            laid.segments.push(Segment::alone(rows));
            continue;
        }
        let prefix = laid.push(context, 0);
        laid.wanted.push(prefix.end - 1..prefix.end);
        laid.segments.push(Segment::alone(prefix.clone()));
        for response in family {
            let scored = scored(batch, response);
            let rows = laid.push(&scored[..scored.len() - 1], context.len());
            laid.responses[response] = Responses { before: prefix.end - 1, first: rows.start };
            if !rows.is_empty() {
                laid.wanted.push(rows.clone());
                laid.segments.push(Segment::after(prefix.clone(), rows));
            }
        }
    }
    laid
}

impl Laid {
    pub(super) fn push(&mut self, tokens: &[u32], position: usize) -> Range<usize> {
        let start = self.tokens.len();
        self.tokens.extend_from_slice(tokens);
        self.positions.extend(position as u32..(position + tokens.len()) as u32);
        start..self.tokens.len()
    }
}

/// The sequences that are read, by context, in the order in which the contexts come.
pub(super) fn families(batch: &Sequences, read: impl Fn(&Span) -> bool) -> Vec<Vec<usize>> {
    let mut families: Vec<Vec<usize>> = Vec::new();
    let mut known = HashMap::new();
    for (i, span) in batch.spans.iter().enumerate().filter(|(_, span)| read(span)) {
        let family = *known.entry(context(batch, span)).or_insert(families.len());
        if family == families.len() {
            families.push(Vec::new());
        }
        families[family].push(i);
    }
    families
}

pub(super) fn context<'a>(batch: &'a Sequences, span: &Span) -> &'a [u32] {
    &batch.tokens[span.range.start..span.scored.start]
}

pub(super) fn scored(batch: &Sequences, span: usize) -> &[u32] {
    &batch.tokens[batch.spans[span].scored.clone()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sides_of_a_pair_share_their_prompt() {
        let mut batch = Sequences::default();
        // Two rows, first side then second; the third row's prompt begins like the first's and is another.
        batch.push(&[1, 2], &[3, 4]);
        batch.push(&[5], &[6, 7, 8]);
        batch.push(&[1], &[2, 2]);
        batch.push(&[1, 2], &[9]);
        batch.push(&[5], &[7, 6]);
        batch.push(&[5, 5], &[]);
        let laid = shared(&batch);
        assert_eq!(laid.tokens, [1, 2, 3, 5, 6, 7, 7, 1, 2]);
        assert_eq!(laid.positions, [0, 1, 2, 0, 1, 2, 1, 0, 1]);
        let segments = [
            Segment::alone(0..2),
            Segment::after(0..2, 2..3),
            Segment::alone(3..4),
            Segment::after(3..4, 4..6),
            Segment::after(3..4, 6..7),
            Segment::alone(7..9),
        ];
        assert_eq!(laid.segments, segments);
        assert_eq!(laid.wanted, [1..2, 2..3, 3..4, 4..6, 6..7, 7..9]);
        let rows: Vec<_> = laid.responses.iter().map(|r| (r.before, r.first)).collect();
        assert_eq!(rows, [(1, 2), (3, 4), (7, 8), (1, 3), (3, 6), (0, 0)]);
    }

    #[test]
    fn apart_every_token_is_read() {
        let mut batch = Sequences::default();
        batch.push(&[1, 2], &[3, 4]);
        batch.push(&[1, 2], &[]);
        let laid = apart(&batch);
        assert_eq!(laid.tokens, batch.tokens);
        assert_eq!(laid.positions, [0, 1, 2, 3, 0, 1]);
        assert_eq!(laid.segments, [Segment::alone(0..4), Segment::alone(4..6)]);
        assert_eq!(laid.wanted, [1..3, 6..6]);
    }
}

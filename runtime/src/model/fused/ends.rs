//! Where the tokens of a batch lie when the state after the last token of every sequence is asked for: with each layout,
//! that row of every sequence, in the order of the batch.

use super::sharing::{Laid, context, families, scored};
use crate::model::Sequences;
use collimate_kernels::attention::Segment;

/// Every sequence on its own.
pub(super) fn apart(batch: &Sequences) -> (Laid, Vec<usize>) {
    let (mut laid, mut ends) = (Laid::default(), Vec::new());
    for span in &batch.spans {
        let rows = laid.push(&batch.tokens[span.range.clone()], 0);
        ends.push(rows.end - 1);
        laid.wanted.push(rows.end - 1..rows.end);
        laid.segments.push(Segment::alone(rows));
    }
    (laid, ends)
}

/// Sequences with the same context have it in common: its rows come once, then those of each response.
pub(super) fn shared(batch: &Sequences) -> (Laid, Vec<usize>) {
    let (mut laid, mut ends) = (Laid::default(), vec![0; batch.spans.len()]);
    for family in families(batch, |_| true) {
        let context = context(batch, &batch.spans[family[0]]);
        if let [only] = family[..] {
            let start = laid.push(context, 0).start;
            let rows = start..laid.push(scored(batch, only), context.len()).end;
            ends[only] = rows.end - 1;
            laid.wanted.push(rows.end - 1..rows.end);
            laid.segments.push(Segment::alone(rows));
            continue;
        }
        let prefix = laid.push(context, 0);
        // An empty response ends where the context does.
        let asked = family.iter().any(|response| scored(batch, *response).is_empty());
        laid.wanted.push(if asked { prefix.end - 1 } else { prefix.end }..prefix.end);
        laid.segments.push(Segment::alone(prefix.clone()));
        for response in family {
            let rows = laid.push(scored(batch, response), context.len());
            ends[response] = rows.end - 1;
            if !rows.is_empty() {
                laid.wanted.push(rows.end - 1..rows.end);
                laid.segments.push(Segment::after(prefix.clone(), rows));
            } else {
                ends[response] = prefix.end - 1;
            }
        }
    }
    (laid, ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_of_a_response_is_read_and_its_last_is_wanted() {
        let mut batch = Sequences::default();
        batch.push(&[1, 2], &[3, 4]);
        batch.push(&[5], &[6]);
        batch.push(&[1, 2], &[]);
        batch.push(&[1, 2], &[9]);
        let (laid, ends) = shared(&batch);
        assert_eq!(laid.tokens, [1, 2, 3, 4, 9, 5, 6]);
        assert_eq!(laid.positions, [0, 1, 2, 3, 2, 0, 1]);
        assert_eq!(ends, [3, 6, 1, 4]);
        assert_eq!(laid.wanted, [1..2, 3..4, 4..5, 6..7]);
        let (laid, ends) = apart(&batch);
        assert_eq!((laid.tokens, ends), (batch.tokens, vec![3, 5, 7, 10]));
    }
}

use super::Heads;
use std::ops::Range;

/// Rows of one sequence, or of what follows a prefix that several sequences share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Rows that all of its queries see: a shared prompt, which lies in the segment before it that has no prefix itself.
    pub prefix: Range<usize>,
    /// Its own rows. A query sees those up to its own.
    pub own: Range<usize>,
    /// The rows whose output is wanted, among its own: of the others only keys and values are used.
    pub queries: Range<usize>,
}

impl Segment {
    /// A sequence of its own, all of whose output is wanted.
    #[must_use]
    pub fn alone(rows: Range<usize>) -> Self {
        Segment { prefix: 0..0, own: rows.clone(), queries: rows }
    }

    /// What follows a shared prefix; all of its output is wanted.
    #[must_use]
    pub fn after(prefix: Range<usize>, rows: Range<usize>) -> Self {
        Segment { prefix, own: rows.clone(), queries: rows }
    }

    /// The same rows where only the output of some is wanted.
    #[must_use]
    pub fn asking(self, queries: Range<usize>) -> Self {
        Segment { queries, ..self }
    }
}

/// The number of tokens.
///
/// # Panics
/// If the shapes do not fit, segments overlap, or a prefix is not where it should be.
pub(super) fn check(qkv: &[f32], segments: &[Segment], heads: Heads) -> usize {
    assert!(heads.key > 0 && heads.query.is_multiple_of(heads.key), "each key head serves equally many queries");
    let tokens = qkv.len() / heads.row();
    assert_eq!(qkv.len(), tokens * heads.row(), "rows of {} numbers", heads.row());
    check_segments(segments, tokens);
    tokens
}

/// # Panics
/// If segments overlap, or a prefix is not where it should be.
pub(crate) fn check_segments(segments: &[Segment], tokens: usize) {
    let (mut end, mut shared) = (0, 0..0);
    for Segment { prefix, own, queries } in segments {
        assert!(end <= own.start && own.start <= own.end, "segments overlap or are not in order");
        assert!(own.start <= queries.start && queries.start <= queries.end && queries.end <= own.end);
        if prefix.is_empty() {
            shared = own.clone();
        } else {
            assert!(shared.start <= prefix.start && prefix.end <= shared.end, "a prefix lies in the segment before it");
        }
        end = own.end;
    }
    assert!(end <= tokens, "a segment outside the tokens");
}

/// Segments by the prefix they share: each that has none, and those after it.
pub(super) fn families(segments: &[Segment]) -> impl Iterator<Item = &[Segment]> {
    segments.chunk_by(|_, next| !next.prefix.is_empty())
}

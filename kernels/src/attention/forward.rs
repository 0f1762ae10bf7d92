use super::{
    Heads, Segment,
    block::Block,
    packed::{Packed, wide},
    piece::Piece,
    segment::check,
    softmax::{scale, soften},
};
use crate::scatter::Scatter;
use rayon::prelude::*;
use std::cell::RefCell;

/// Buffers of one thread, used again by its next task.
#[derive(Default)]
struct Scratch {
    keys: Packed,
    values: Packed,
    queries: Vec<f32>,
    scores: Vec<f32>,
    out: Vec<f32>,
    highest: Vec<f32>,
    sums: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// `out` of `[tokens, query heads * width]`, and `logsumexp` of `[query heads, tokens]` for the backward pass: both only
/// where a segment has queries.
///
/// # Panics
/// If the shapes do not fit, segments overlap, or a prefix is not where it should be.
pub fn forward(out: &mut [f32], logsumexp: &mut [f32], qkv: &[f32], segments: &[Segment], heads: Heads) {
    let tokens = check(qkv, segments, heads);
    assert_eq!((out.len(), logsumexp.len()), (tokens * heads.out(), tokens * heads.query));
    let (out, logsumexp) = (Scatter::new(out), Scatter::new(logsumexp));
    Piece::all(segments, heads).par_iter().with_max_len(1).for_each(|piece| {
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.keys.take(qkv, heads.keys_of(piece.key_head), piece.family, heads, true);
            scratch.values.take(qkv, heads.values_of(piece.key_head), piece.family, heads, false);
            for block in piece.blocks(heads) {
                compute(scratch, &block, qkv, piece.key_head, heads);
                write(&out, &logsumexp, scratch, &block, piece.key_head, tokens, heads);
            }
        });
    });
}

/// `exp(S - highest) V` of a block, with each row's highest score and sum of exponentials.
fn compute(scratch: &mut Scratch, block: &Block<'_>, qkv: &[f32], key_head: usize, heads: Heads) {
    let Scratch { keys, values, queries, scores, out, highest, sums } = scratch;
    let (rows, columns) = (block.rows(heads), block.columns(heads));
    block.gather(queries, qkv, key_head, heads.row(), heads);
    scale(queries, heads.scale());
    scores.resize(rows * columns.apart, 0.0);
    out.resize(rows * wide(heads), 0.0);
    highest.resize(rows, 0.0);
    sums.resize(rows, 0.0);
    block.against(scores, queries, keys, heads);
    soften(scores, columns, highest, sums);
    block.weighted(out, scores, values, heads);
}

fn write(
    out: &Scatter<'_>,
    logsumexp: &Scatter<'_>,
    scratch: &Scratch,
    block: &Block<'_>,
    key_head: usize,
    tokens: usize,
    heads: Heads,
) {
    let places = block.queries.clone().flat_map(|token| (0..heads.group()).map(move |head| (token, head)));
    for (row, (token, head)) in places.enumerate() {
        let query_head = key_head * heads.group() + head;
        // SAFETY: these heads of these tokens are no other block's.
        #[allow(unsafe_code)]
        let kept = unsafe { logsumexp.part(query_head * tokens + token, 1) };
        kept[0] = scratch.highest[row] + scratch.sums[row].ln();
        // SAFETY: as above.
        #[allow(unsafe_code)]
        let out = unsafe { out.part(token * heads.out() + query_head * heads.width, heads.width) };
        let share = 1.0 / scratch.sums[row];
        let made = &scratch.out[row * wide(heads)..][..heads.width];
        out.iter_mut().zip(made).for_each(|(o, m)| *o = m * share);
    }
}

use super::{
    Heads,
    block::{Block, scale, soften},
};
use crate::{
    matrix::{Matrix, MatrixMut, Threads, Write, multiply},
    scatter::Scatter,
};
use rayon::prelude::*;
use std::ops::Range;

/// Buffers of one task, used again by the next.
#[derive(Default)]
struct Scratch {
    queries: Vec<f32>,
    scores: Vec<f32>,
    out: Vec<f32>,
    highest: Vec<f32>,
    sums: Vec<f32>,
}

/// `out` of `[tokens, query heads * width]`, and `logsumexp` of `[query heads, tokens]` for the backward pass.
///
/// # Panics
/// If the shapes do not fit or the sequences overlap.
pub fn forward(out: &mut [f32], logsumexp: &mut [f32], qkv: &[f32], sequences: &[Range<usize>], heads: Heads) {
    let tokens = check(qkv, sequences, heads);
    assert_eq!((out.len(), logsumexp.len()), (tokens * heads.out(), tokens * heads.query));
    let (out, logsumexp) = (Scatter::new(out), Scatter::new(logsumexp));
    // The longest first: the last task to end should be a small one.
    let mut blocks: Vec<Block> = sequences
        .iter()
        .flat_map(|s| (0..heads.key).flat_map(move |key_head| Block::of(s.clone(), key_head, heads)))
        .collect();
    blocks.sort_by_key(|block| std::cmp::Reverse(block.keys()));
    blocks.par_iter().with_max_len(1).for_each_init(Scratch::default, |scratch, block| {
        compute(scratch, block, qkv, heads);
        let length = block.queries.len();
        for head in 0..heads.group() {
            let query_head = block.key_head * heads.group() + head;
            // SAFETY: these heads of these tokens are no other block's.
            #[allow(unsafe_code)]
            let kept = unsafe { logsumexp.part(query_head * tokens + block.queries.start, length) };
            for (i, (kept, token)) in kept.iter_mut().zip(block.queries.clone()).enumerate() {
                let row = head * length + i;
                *kept = scratch.highest[row] + scratch.sums[row].ln();
                // SAFETY: as above.
                #[allow(unsafe_code)]
                let out = unsafe { out.part(token * heads.out() + query_head * heads.width, heads.width) };
                let share = 1.0 / scratch.sums[row];
                let made = &scratch.out[row * heads.width..][..heads.width];
                out.iter_mut().zip(made).for_each(|(o, m)| *o = m * share);
            }
        }
    });
}

/// `exp(S - highest) V` of a block, with each row's highest score and sum of exponentials.
fn compute(scratch: &mut Scratch, block: &Block, qkv: &[f32], heads: Heads) {
    let Scratch { queries, scores, out, highest, sums } = scratch;
    let (rows, keys) = (block.rows(heads), block.keys());
    block.gather(queries, qkv, heads.row(), heads);
    scale(queries, heads.scale());
    scores.resize(rows * keys, 0.0);
    out.resize(rows * heads.width, 0.0);
    highest.resize(rows, 0.0);
    sums.resize(rows, 0.0);
    let queries = Matrix::new(queries, rows, heads.width);
    let transposed = block.key_matrix(qkv, heads).transposed();
    multiply(MatrixMut::new(scores, rows, keys), Write::Set, queries, transposed, Threads::One);
    soften(scores, keys, block.queries.len(), block.first_sees(), highest, sums);
    let (weights, values) = (Matrix::new(scores, rows, keys), block.value_matrix(qkv, heads));
    multiply(MatrixMut::new(out, rows, heads.width), Write::Set, weights, values, Threads::One);
}

/// The number of tokens.
pub(super) fn check(qkv: &[f32], sequences: &[Range<usize>], heads: Heads) -> usize {
    assert!(heads.key > 0 && heads.query.is_multiple_of(heads.key), "each key head serves equally many queries");
    let tokens = qkv.len() / heads.row();
    assert_eq!(qkv.len(), tokens * heads.row(), "rows of {} numbers", heads.row());
    let mut end = 0;
    for sequence in sequences {
        assert!(end <= sequence.start && sequence.start <= sequence.end, "sequences overlap or are not in order");
        end = sequence.end;
    }
    assert!(end <= tokens, "a sequence outside the tokens");
    tokens
}

use super::{
    Heads, Segment,
    block::{Block, scale, soften},
    segment::check,
};
use crate::{matrix::Matrix, scatter::Scatter};
use rayon::prelude::*;

/// Buffers of one task, used again by the next.
#[derive(Default)]
struct Scratch {
    queries: Vec<f32>,
    scores: Vec<f32>,
    out: Vec<f32>,
    highest: Vec<f32>,
    sums: Vec<f32>,
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
    // The longest first: the last task to end should be a small one.
    let mut blocks: Vec<Block> = segments
        .iter()
        .flat_map(|segment| (0..heads.key).flat_map(move |key_head| Block::of(segment, key_head, heads)))
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
    block.against(scores, queries, qkv, heads.keys_of(block.key_head), heads);
    soften(scores, keys, block.queries.len(), block.first_sees(), highest, sums);
    block.weighted(out, scores, qkv, heads.values_of(block.key_head), heads);
}

use super::{
    Heads, Segment,
    block::{Block, probabilities, row_dots, scale, score_gradient},
    segment::{check, families},
};
use crate::{matrix::Matrix, scatter::Scatter};
use rayon::prelude::*;
use std::cmp::Reverse;

/// Buffers of one task, used again by the next.
#[derive(Default)]
struct Scratch {
    queries: Vec<f32>,
    d_out: Vec<f32>,
    p: Vec<f32>,
    d_p: Vec<f32>,
    d_queries: Vec<f32>,
    logsumexp: Vec<f32>,
    along: Vec<f32>,
    d_keys: Vec<f32>,
    d_values: Vec<f32>,
}

/// What the pass reads.
#[derive(Clone, Copy)]
struct Inputs<'a> {
    d_out: &'a [f32],
    out: &'a [f32],
    logsumexp: &'a [f32],
    qkv: &'a [f32],
    tokens: usize,
    heads: Heads,
}

/// Sets `d_qkv` of every token of the segments from the gradient of the output, with what [`super::forward`] made.
///
/// # Panics
/// If the shapes do not fit, segments overlap, or a prefix is not where it should be.
pub fn backward(
    d_qkv: &mut [f32],
    d_out: &[f32],
    out: &[f32],
    logsumexp: &[f32],
    qkv: &[f32],
    segments: &[Segment],
    heads: Heads,
) {
    let tokens = check(qkv, segments, heads);
    assert_eq!((d_qkv.len(), logsumexp.len()), (qkv.len(), tokens * heads.query));
    assert_eq!((d_out.len(), out.len()), (tokens * heads.out(), tokens * heads.out()));
    let d_qkv = Scatter::new(d_qkv);
    let inputs = Inputs { d_out, out, logsumexp, qkv, tokens, heads };
    // A key's gradient comes from all later queries: one task has all segments with the same prefix, for a key head.
    let mut tasks: Vec<(&[Segment], usize)> =
        families(segments).flat_map(|family| (0..heads.key).map(move |key_head| (family, key_head))).collect();
    tasks.sort_by_key(|(family, _)| Reverse(family.iter().map(work).sum::<usize>()));
    tasks.par_iter().with_max_len(1).for_each_init(Scratch::default, |scratch, (family, key_head)| {
        one(scratch, &d_qkv, family, *key_head, inputs);
    });
}

/// Scores that a segment asks for, more or less.
fn work(segment: &Segment) -> usize {
    segment.queries.len() * (segment.prefix.len() + segment.own.len())
}

/// All of a key head's part in some segments with the same prefix.
fn one(scratch: &mut Scratch, d_qkv: &Scatter<'_>, family: &[Segment], key_head: usize, inputs: Inputs<'_>) {
    let heads = inputs.heads;
    let (Some(first), Some(last)) = (family.first(), family.last()) else { return };
    let rows = first.own.start..last.own.end;
    for numbers in [&mut scratch.d_keys, &mut scratch.d_values] {
        numbers.clear();
        numbers.resize(rows.len() * heads.width, 0.0);
    }
    for block in family.iter().flat_map(|segment| Block::of(segment, key_head, heads)) {
        compute(scratch, &block, rows.start, inputs);
        write_queries(d_qkv, scratch, &block, heads);
    }
    for segment in family {
        for token in segment.own.clone() {
            let made = (token - rows.start) * heads.width..(token - rows.start + 1) * heads.width;
            // SAFETY: this key head of these rows is no other task's.
            #[allow(unsafe_code)]
            let d_key = unsafe { d_qkv.part(token * heads.row() + heads.keys_of(key_head), heads.width) };
            d_key.copy_from_slice(&scratch.d_keys[made.clone()]);
            // SAFETY: as above, for the value head.
            #[allow(unsafe_code)]
            let d_value = unsafe { d_qkv.part(token * heads.row() + heads.values_of(key_head), heads.width) };
            d_value.copy_from_slice(&scratch.d_values[made]);
            if !segment.queries.contains(&token) {
                let place = token * heads.row() + heads.queries_of(key_head);
                // SAFETY: as above, for the queries that share the key head.
                #[allow(unsafe_code)]
                unsafe { d_qkv.part(place, heads.group() * heads.width) }.fill(0.0);
            }
        }
    }
}

/// Makes the gradient of a block's queries and adds to that of its keys and values, of which the scratch has the rows
/// from `first`.
fn compute(scratch: &mut Scratch, block: &Block, first: usize, inputs: Inputs<'_>) {
    let Inputs { d_out: upstream, out, logsumexp: kept, qkv, tokens, heads } = inputs;
    let Scratch { queries, d_out, p, d_p, d_queries, logsumexp, along, d_keys, d_values } = scratch;
    let (rows, keys, width) = (block.rows(heads), block.keys(), heads.width);
    block.gather(queries, qkv, heads.row(), heads);
    scale(queries, heads.scale());
    // The output itself, only to see how much of the gradient lies along it.
    block.gather(d_queries, out, heads.out(), heads);
    block.gather(d_out, upstream, heads.out(), heads);
    along.resize(rows, 0.0);
    row_dots(along, d_out, d_queries, width);
    logsumexp.clear();
    for head in 0..heads.group() {
        let query_head = block.key_head * heads.group() + head;
        logsumexp.extend(&kept[query_head * tokens..][block.queries.clone()]);
    }
    p.resize(rows * keys, 0.0);
    d_p.resize(rows * keys, 0.0);

    let (key_place, value_place) = (heads.keys_of(block.key_head), heads.values_of(block.key_head));
    let query_matrix = Matrix::new(queries, rows, width);
    let d_out = Matrix::new(d_out, rows, width);
    block.against(p, query_matrix, qkv, key_place, heads);
    probabilities(p, keys, block.queries.len(), block.first_sees(), logsumexp);
    block.spread(d_values, first, p, d_out);
    block.against(d_p, d_out, qkv, value_place, heads);
    score_gradient(d_p, p, keys, along);
    block.weighted(d_queries, d_p, qkv, key_place, heads);
    block.spread(d_keys, first, d_p, query_matrix);
}

fn write_queries(d_qkv: &Scatter<'_>, scratch: &Scratch, block: &Block, heads: Heads) {
    let length = block.queries.len();
    for head in 0..heads.group() {
        let place = heads.queries_of(block.key_head) + head * heads.width;
        for (i, token) in block.queries.clone().enumerate() {
            let made = &scratch.d_queries[(head * length + i) * heads.width..][..heads.width];
            // SAFETY: this head of this token is no other block's.
            #[allow(unsafe_code)]
            let d_query = unsafe { d_qkv.part(token * heads.row() + place, heads.width) };
            d_query.iter_mut().zip(made).for_each(|(d, m)| *d = m * heads.scale());
        }
    }
}

use super::{
    Heads,
    block::{Block, probabilities, row_dots, scale, score_gradient},
    forward::check,
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

/// Sets `d_qkv` of every token of the sequences from the gradient of the output, with what [`super::forward`] made.
///
/// # Panics
/// If the shapes do not fit or the sequences overlap.
pub fn backward(
    d_qkv: &mut [f32],
    d_out: &[f32],
    out: &[f32],
    logsumexp: &[f32],
    qkv: &[f32],
    sequences: &[Range<usize>],
    heads: Heads,
) {
    let tokens = check(qkv, sequences, heads);
    assert_eq!((d_qkv.len(), logsumexp.len()), (qkv.len(), tokens * heads.query));
    assert_eq!((d_out.len(), out.len()), (tokens * heads.out(), tokens * heads.out()));
    let d_qkv = Scatter::new(d_qkv);
    let inputs = Inputs { d_out, out, logsumexp, qkv, tokens, heads };
    // A key's gradient comes from all later queries: one task has all blocks of a sequence and a key head.
    let mut tasks: Vec<(Range<usize>, usize)> =
        sequences.iter().flat_map(|s| (0..heads.key).map(move |key_head| (s.clone(), key_head))).collect();
    tasks.sort_by_key(|(sequence, _)| std::cmp::Reverse(sequence.len()));
    tasks.par_iter().with_max_len(1).for_each_init(Scratch::default, |scratch, (sequence, key_head)| {
        scratch.d_keys.clear();
        scratch.d_keys.resize(sequence.len() * heads.width, 0.0);
        scratch.d_values.clear();
        scratch.d_values.resize(sequence.len() * heads.width, 0.0);
        for block in Block::of(sequence.clone(), *key_head, heads) {
            compute(scratch, &block, inputs);
            write_queries(&d_qkv, scratch, &block, heads);
        }
        for (i, token) in sequence.clone().enumerate() {
            let made = i * heads.width..(i + 1) * heads.width;
            // SAFETY: this key head of this sequence is no other task's.
            #[allow(unsafe_code)]
            let d_key = unsafe { d_qkv.part(token * heads.row() + heads.keys_of(*key_head), heads.width) };
            d_key.copy_from_slice(&scratch.d_keys[made.clone()]);
            // SAFETY: as above, for the value head.
            #[allow(unsafe_code)]
            let d_value = unsafe { d_qkv.part(token * heads.row() + heads.values_of(*key_head), heads.width) };
            d_value.copy_from_slice(&scratch.d_values[made]);
        }
    });
}

/// Makes the gradient of a block's queries and adds to that of its keys and values.
fn compute(scratch: &mut Scratch, block: &Block, inputs: Inputs<'_>) {
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

    let key_matrix = block.key_matrix(qkv, heads);
    let query_matrix = Matrix::new(queries, rows, width);
    let d_out = Matrix::new(d_out, rows, width);
    let one = Threads::One;
    multiply(MatrixMut::new(p, rows, keys), Write::Set, query_matrix, key_matrix.transposed(), one);
    probabilities(p, keys, block.queries.len(), block.first_sees(), logsumexp);
    multiply(MatrixMut::new(d_values, keys, width), Write::Add, Matrix::new(p, rows, keys).transposed(), d_out, one);
    let value_matrix = block.value_matrix(qkv, heads);
    multiply(MatrixMut::new(d_p, rows, keys), Write::Set, d_out, value_matrix.transposed(), one);
    score_gradient(d_p, p, keys, along);
    let d_scores = Matrix::new(d_p, rows, keys);
    multiply(MatrixMut::new(d_queries, rows, width), Write::Set, d_scores, key_matrix, one);
    multiply(MatrixMut::new(d_keys, keys, width), Write::Add, d_scores.transposed(), query_matrix, one);
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

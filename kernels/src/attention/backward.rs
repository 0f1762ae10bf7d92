use super::{
    Heads, Segment,
    block::Block,
    packed::{Packed, rows, wide},
    piece::Piece,
    segment::check,
    softmax::{probabilities, row_dots, scale, score_gradient},
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
    d_out: Vec<f32>,
    p: Vec<f32>,
    d_p: Vec<f32>,
    d_queries: Vec<f32>,
    logsumexp: Vec<f32>,
    along: Vec<f32>,
    d_keys: Vec<f32>,
    d_values: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
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

/// The gradient of keys and values that a piece of several made for its family's rows.
struct Share<'a, 'b> {
    piece: &'b Piece<'a>,
    d_keys: Vec<f32>,
    d_values: Vec<f32>,
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
    let pieces = Piece::all(segments, heads);
    let shares = pieces.par_iter().with_max_len(1).filter_map(|piece| {
        SCRATCH.with_borrow_mut(|scratch| {
            one(scratch, &d_qkv, piece, inputs);
            if piece.count == 1 {
                write_keys(&d_qkv, piece, &scratch.d_keys, &scratch.d_values, heads);
                return None;
            }
            Some(Share { piece, d_keys: scratch.d_keys.clone(), d_values: scratch.d_values.clone() })
        })
    });
    let mut shares: Vec<Share<'_, '_>> = shares.collect();
    // A key's gradient comes from all later queries, and so from all pieces: they are added in their order.
    shares.sort_by_key(|share| (rows(share.piece.family).start, share.piece.key_head, share.piece.number));
    let heads_of = |share: &Share<'_, '_>| (rows(share.piece.family).start, share.piece.key_head);
    shares.par_chunk_by_mut(|a, b| heads_of(a) == heads_of(b)).for_each(|shares| {
        let Some((sum, others)) = shares.split_first_mut() else { return };
        for other in others {
            sum.d_keys.iter_mut().zip(&other.d_keys).for_each(|(sum, d)| *sum += d);
            sum.d_values.iter_mut().zip(&other.d_values).for_each(|(sum, d)| *sum += d);
        }
        write_keys(&d_qkv, sum.piece, &sum.d_keys, &sum.d_values, heads);
    });
}

/// Writes the gradient of a piece's queries, and leaves that of its family's keys and values in the scratch.
fn one(scratch: &mut Scratch, d_qkv: &Scatter<'_>, piece: &Piece<'_>, inputs: Inputs<'_>) {
    let heads = inputs.heads;
    scratch.keys.take(inputs.qkv, heads.keys_of(piece.key_head), piece.family, heads, true);
    scratch.values.take(inputs.qkv, heads.values_of(piece.key_head), piece.family, heads, true);
    for numbers in [&mut scratch.d_keys, &mut scratch.d_values] {
        numbers.clear();
        numbers.resize(rows(piece.family).len() * wide(heads), 0.0);
    }
    for block in piece.blocks(heads) {
        compute(scratch, &block, piece.key_head, inputs);
        write_queries(d_qkv, scratch, &block, piece.key_head, heads);
    }
}

/// Makes the gradient of a block's queries and adds to that of its keys and values.
fn compute(scratch: &mut Scratch, block: &Block<'_>, key_head: usize, inputs: Inputs<'_>) {
    let Inputs { d_out: upstream, out, logsumexp: kept, qkv, tokens, heads } = inputs;
    let Scratch { keys, values, queries, d_out, p, d_p, d_queries, logsumexp, along, d_keys, d_values } = scratch;
    let (rows, columns) = (block.rows(heads), block.columns(heads));
    block.gather(queries, qkv, key_head, heads.row(), heads);
    scale(queries, heads.scale());
    // The output itself, only to see how much of the gradient lies along it.
    block.gather(d_queries, out, key_head, heads.out(), heads);
    block.gather(d_out, upstream, key_head, heads.out(), heads);
    along.resize(rows, 0.0);
    row_dots(along, d_out, d_queries, wide(heads));
    logsumexp.clear();
    for token in block.queries.clone() {
        logsumexp.extend((0..heads.group()).map(|head| kept[(key_head * heads.group() + head) * tokens + token]));
    }
    p.resize(rows * columns.apart, 0.0);
    d_p.resize(rows * columns.apart, 0.0);

    block.against(p, queries, keys, heads);
    probabilities(p, columns, logsumexp);
    block.spread(d_values, p, d_out, heads);
    block.against(d_p, d_out, values, heads);
    score_gradient(d_p, p, columns, along);
    block.weighted(d_queries, d_p, keys, heads);
    block.spread(d_keys, d_p, queries, heads);
}

fn write_queries(d_qkv: &Scatter<'_>, scratch: &Scratch, block: &Block<'_>, key_head: usize, heads: Heads) {
    let rows_of_a_token = scratch.d_queries.chunks_exact(heads.group() * wide(heads));
    for (token, made) in block.queries.clone().zip(rows_of_a_token) {
        // SAFETY: these heads of this token are no other block's.
        #[allow(unsafe_code)]
        let group =
            unsafe { d_qkv.part(token * heads.row() + heads.queries_of(key_head), heads.group() * heads.width) };
        for (d_query, made) in group.chunks_exact_mut(heads.width).zip(made.chunks_exact(wide(heads))) {
            d_query.iter_mut().zip(made).for_each(|(d, m)| *d = m * heads.scale());
        }
    }
}

/// Writes the gradient of all keys and values of a family's head, and zeros for the queries that nobody asked about.
fn write_keys(d_qkv: &Scatter<'_>, piece: &Piece<'_>, d_keys: &[f32], d_values: &[f32], heads: Heads) {
    let (first, wide) = (rows(piece.family).start, wide(heads));
    let tokens = piece.family.iter().flat_map(|segment| segment.own.clone().map(move |token| (segment, token)));
    for (segment, token) in tokens {
        let made = (token - first) * wide..(token - first) * wide + heads.width;
        // SAFETY: this key head of these rows is no other task's.
        #[allow(unsafe_code)]
        let d_key = unsafe { d_qkv.part(token * heads.row() + heads.keys_of(piece.key_head), heads.width) };
        d_key.copy_from_slice(&d_keys[made.clone()]);
        // SAFETY: as above, for the value head.
        #[allow(unsafe_code)]
        let d_value = unsafe { d_qkv.part(token * heads.row() + heads.values_of(piece.key_head), heads.width) };
        d_value.copy_from_slice(&d_values[made]);
        if !segment.queries.contains(&token) {
            let place = token * heads.row() + heads.queries_of(piece.key_head);
            // SAFETY: as above, for the queries that share the key head.
            #[allow(unsafe_code)]
            unsafe { d_qkv.part(place, heads.group() * heads.width) }.fill(0.0);
        }
    }
}

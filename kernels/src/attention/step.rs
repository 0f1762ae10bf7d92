use super::{Heads, softmax::exponentials};
use crate::{
    scatter::Scatter,
    task,
    vector::{Arithmetic, dot, maximum, vectorized},
};
use rayon::prelude::*;
use std::ops::Range;

/// Rows of a cache that one query sees.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reach {
    /// Its prompt, which other queries may see too.
    pub prefix: Range<usize>,
    /// What was generated after the prompt, the query's own token included.
    pub own: Range<usize>,
}

impl Reach {
    fn len(&self) -> usize {
        self.prefix.len() + self.own.len()
    }

    fn rows(&self) -> impl Iterator<Item = usize> {
        self.prefix.clone().chain(self.own.clone())
    }
}

/// The queries of one token each for many sequences, against cached keys and values of `[rows, key heads * width]`.
///
/// `qkv` holds one row for each reach, of which the queries are read: the keys and values must be in the cache already.
///
/// # Panics
/// If the shapes do not fit.
pub fn step(out: &mut [f32], qkv: &[f32], keys: &[f32], values: &[f32], reaches: &[Reach], heads: Heads) {
    assert_eq!((out.len(), qkv.len()), (reaches.len() * heads.out(), reaches.len() * heads.row()));
    assert_eq!(keys.len(), values.len());
    let longest = reaches.iter().map(Reach::len).max().unwrap_or(0);
    let work = longest * heads.group() * heads.width;
    let out = Scatter::new(out);
    (0..reaches.len() * heads.key).into_par_iter().with_min_len(task::rows(work)).for_each_init(
        Vec::new,
        |scores, task| {
            let (query, key_head) = (task / heads.key, task % heads.key);
            let place = query * heads.out() + heads.queries_of(key_head);
            // SAFETY: this group of heads of this query is no other task's.
            #[allow(unsafe_code)]
            let out = unsafe { out.part(place, heads.group() * heads.width) };
            let queries = &qkv[query * heads.row() + heads.queries_of(key_head)..][..heads.group() * heads.width];
            attend(out, scores, queries, keys, values, &reaches[query], key_head, heads);
        },
    );
}

vectorized! {
    fn attend(
        out: &mut [f32],
        scores: &mut Vec<f32>,
        queries: &[f32],
        keys: &[f32],
        values: &[f32],
        reach: &Reach,
        key_head: usize,
        heads: Heads,
    ) => attend_body
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn attend_body<A: Arithmetic>(
    out: &mut [f32],
    scores: &mut Vec<f32>,
    queries: &[f32],
    keys: &[f32],
    values: &[f32],
    reach: &Reach,
    key_head: usize,
    heads: Heads,
) {
    let (width, length) = (heads.width, reach.len());
    let place = |row: usize| (row * heads.key + key_head) * width;
    scores.clear();
    scores.resize(heads.group() * length, 0.0);
    for (i, row) in reach.rows().enumerate() {
        let key = &keys[place(row)..][..width];
        for (head, query) in queries.chunks_exact(width).enumerate() {
            scores[head * length + i] = dot::<A>(query, key) * heads.scale();
        }
    }
    for scores in scores.chunks_exact_mut(length) {
        let highest = maximum(scores);
        let share = 1.0 / exponentials::<A>(scores, highest);
        scores.iter_mut().for_each(|s| *s *= share);
    }
    out.fill(0.0);
    for (i, row) in reach.rows().enumerate() {
        let value = &values[place(row)..][..width];
        for (head, out) in out.chunks_exact_mut(width).enumerate() {
            let weight = scores[head * length + i];
            out.iter_mut().zip(value).for_each(|(o, v)| *o = A::mul_add(weight, *v, *o));
        }
    }
}

use super::{Cache, packed, softmax::exponentials};
use crate::{
    ahead::ask_for,
    matrix::{COLUMNS, Left, Right, Sizes, Write, multiply_near},
    scatter::Scatter,
    task,
    vector::{Arithmetic, maximum, vectorized},
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
}

/// The queries of one token each for many sequences, against cached keys and values.
///
/// `qkv` holds one row for each reach, of which the queries are read: the keys and values must be in the cache already.
///
/// # Panics
/// If the shapes do not fit, or a reach has no rows of its own, or rows that the cache does not have.
pub fn step(out: &mut [f32], qkv: &[f32], cache: &Cache, reaches: &[Reach]) {
    let heads = cache.heads();
    assert_eq!((out.len(), qkv.len()), (reaches.len() * heads.out(), reaches.len() * heads.row()));
    for reach in reaches {
        assert!(!reach.own.is_empty(), "a query that does not see its own token");
        assert!(reach.prefix.end.max(reach.own.end) <= cache.rows(), "rows outside the cache");
    }
    let longest = reaches.iter().map(Reach::len).max().unwrap_or(0);
    let work = longest * heads.group() * heads.width;
    let out = Scatter::new(out);
    (0..reaches.len() * heads.key).into_par_iter().with_min_len(task::rows(work)).for_each_init(
        Room::default,
        |room, task| {
            let (query, key_head) = (task / heads.key, task % heads.key);
            let place = query * heads.out() + heads.queries_of(key_head);
            // SAFETY: this group of heads of this query is no other task's.
            #[allow(unsafe_code)]
            let out = unsafe { out.part(place, heads.group() * heads.width) };
            let queries = &qkv[query * heads.row() + heads.queries_of(key_head)..][..heads.group() * heads.width];
            attend(out, room, queries, cache, &reaches[query], key_head);
        },
    );
}

/// What a task works in.
#[derive(Default)]
struct Room {
    queries: Vec<f32>,
    /// Of each query head, the scores of all panels that the reach touches: a part of the first and of the last of a range is of rows
    /// that it does not see, and is not looked at.
    scores: Vec<f32>,
    /// Of each, 1 over the sum of what the scores became.
    shares: Vec<f32>,
    out: Vec<f32>,
}

/// Some rows that a query sees: in which panels they lie, and where their scores are.
struct Part {
    rows: Range<usize>,
    panels: Range<usize>,
    /// The place of the first panel in the scores of a head.
    first: usize,
}

impl Part {
    fn new(rows: &Range<usize>, first: usize) -> Self {
        let panels = if rows.is_empty() { 0..0 } else { rows.start / COLUMNS..rows.end.div_ceil(COLUMNS) };
        Part { rows: rows.clone(), panels, first }
    }

    /// Where the scores of the panels end.
    fn end(&self) -> usize {
        self.first + self.panels.len() * COLUMNS
    }

    /// Where the scores of the rows are.
    fn seen(&self) -> Range<usize> {
        let start = self.first + self.rows.start - self.panels.start * COLUMNS;
        start..start + self.rows.len()
    }
}

/// The heads that share a key head, of one query.
fn attend(out: &mut [f32], room: &mut Room, queries: &[f32], cache: &Cache, reach: &Reach, key_head: usize) {
    let heads = cache.heads();
    let (group, width, wide) = (heads.group(), heads.width, packed::wide(heads));
    let prefix = Part::new(&reach.prefix, 0);
    let own = Part::new(&reach.own, prefix.end());
    let apart = own.end();
    // A range without rows has no panels and no products.
    let parts = [prefix, own];
    let parts = if parts[0].rows.is_empty() { &parts[1..] } else { &parts[..] };

    // All of it lies in memory, in short pieces on many pages: weights have passed through the caches since the last step.
    for part in parts {
        for panel in part.panels.clone() {
            ask_for(&cache.keys[cache.panel(panel, key_head)..][..width * COLUMNS]);
        }
    }
    for part in parts {
        for row in part.rows.clone() {
            ask_for(&cache.values[row * cache.values_apart() + key_head * wide..][..wide]);
        }
    }

    room.queries.clear();
    room.queries.extend(queries.iter().map(|q| q * heads.scale()));
    room.scores.resize(group * apart, 0.0);
    for part in parts {
        let left = Left { data: &room.queries, apart: width, step: 1 };
        let keys = &cache.keys[cache.panel(part.panels.start, key_head)..];
        let right = Right { data: keys, apart: COLUMNS, panel: cache.keys_apart() };
        let sizes = Sizes { rows: group, columns: part.panels.len() * COLUMNS, inner: width };
        multiply_near(&mut room.scores[part.first..], apart, Write::Set, left, right, sizes);
    }
    room.shares.clear();
    room.shares.extend(room.scores.chunks_exact_mut(apart).map(|scores| soften(scores, parts)));
    room.out.resize(group * wide, 0.0);
    for (index, part) in parts.iter().enumerate() {
        let write = if index == 0 { Write::Set } else { Write::Add };
        let left = Left { data: &room.scores[part.seen().start..], apart, step: 1 };
        let values = &cache.values[part.rows.start * cache.values_apart() + key_head * wide..];
        let right = Right { data: values, apart: cache.values_apart(), panel: COLUMNS };
        let sizes = Sizes { rows: group, columns: wide, inner: part.rows.len() };
        multiply_near(&mut room.out, wide, write, left, right, sizes);
    }
    for ((out, sums), share) in out.chunks_exact_mut(width).zip(room.out.chunks_exact(wide)).zip(&room.shares) {
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum * share);
    }
}

vectorized! {
    /// Turns the scores of the rows that are seen into `exp(score - highest)`; answers with 1 over their sum.
    fn soften(scores: &mut [f32], parts: &[Part]) -> f32 => soften_body
}

#[inline(always)]
fn soften_body<A: Arithmetic>(scores: &mut [f32], parts: &[Part]) -> f32 {
    // Loops, and no closures: what the compiler makes of a closure need not be for this function's registers.
    let (mut highest, mut sum) = (f32::NEG_INFINITY, 0.0);
    for part in parts {
        highest = highest.max(maximum(&scores[part.seen()]));
    }
    for part in parts {
        sum += exponentials::<A>(&mut scores[part.seen()], highest);
    }
    1.0 / sum
}

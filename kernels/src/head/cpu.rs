use super::Inputs;
use crate::{
    exp::exp,
    matrix::{Threads, Write, linear, linear_input, linear_weight},
    stored::Stored,
    task::chunks,
    vector::{Arithmetic, LANES, maximum, sum_lanes, vectorized},
};
use rayon::prelude::*;
use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

/// A tile holds the scores of this many rows for this many words, at most: 2 MiB, small enough for what is a core's own of the caches and
/// large enough that its products run at full speed.
pub(super) const ROWS: usize = 1024;
pub(super) const WORDS: usize = 512;

/// Scores that are worth keeping from the forward to the backward pass, which then need not be computed again: 40 MiB. With what products
/// rearrange this is a tenth of the 600 MB that three matrices of the scores of 1024 rows and 49152 words take, and for vocabularies of
/// some thousand words it is all of them.
pub const KEPT: usize = 10 << 20;

/// Numbers to give both passes for scores to keep: all scores, or [`KEPT`].
#[must_use]
pub fn kept(rows: usize, words: usize) -> usize {
    rows.saturating_mul(words).min(KEPT)
}

/// What a tile knows of a row.
#[derive(Clone, Copy)]
struct Mark {
    highest: f32,
    /// Of `exp(score - highest)`.
    sum: f32,
    /// The score of the target, or 0 where it is no word of the tile.
    taken: f32,
}

/// The tiles of neighbouring words, which one thread works on.
struct Lane<'a> {
    words: Range<usize>,
    /// Where kept scores of theirs lie.
    kept: &'a mut [f32],
    room: Room,
}

/// `logp`, and the `logsumexp` that [`backward`] needs, of each row; and in `kept`, of any length, the scores of as many tiles as fit.
///
/// # Panics
/// If the shapes do not fit or a target is no word.
pub fn forward(logp: &mut [f32], logsumexp: &mut [f32], kept: &mut [f32], inputs: Inputs<'_>) {
    let Inputs { table, targets, width, .. } = inputs;
    let words = check(inputs, [logp.len(), logsumexp.len()]);
    let rows = targets.len();
    if rows == 0 {
        return;
    }
    let mut marks = vec![Mark { highest: f32::NEG_INFINITY, sum: 0.0, taken: 0.0 }; words.div_ceil(WORDS) * rows];
    let mut rest = &mut marks[..];
    let lanes: Vec<_> = lanes(kept, rows, words)
        .into_iter()
        .map(|lane| {
            let marks = rest.split_off_mut(..lane.words.len().div_ceil(WORDS) * rows).expect("marks for all tiles");
            (lane, marks)
        })
        .collect();
    lanes.into_par_iter().with_max_len(1).for_each(|(lane, marks)| {
        let Lane { words, kept, mut room } = lane;
        let mut places = Places { kept, room: &mut room.scores };
        for (words, marks) in chunks(words, WORDS).zip(marks.chunks_exact_mut(rows)) {
            let table = table.part(words.start * width..words.end * width);
            for rows in chunks(0..rows, ROWS) {
                let (tile, _) = places.next(rows.len() * words.len());
                score(tile, &rows, table, inputs);
                mark(tile, &mut marks[rows.clone()], &targets[rows], words.clone());
            }
        }
        room.give_back();
    });
    for (row, (logp, logsumexp)) in logp.iter_mut().zip(logsumexp).enumerate() {
        // In the order of the words, whoever made the marks.
        let marks = || marks[row..].iter().step_by(rows);
        let highest = marks().fold(f32::NEG_INFINITY, |highest, mark| highest.max(mark.highest));
        let sum: f32 = marks().map(|mark| mark.sum * (mark.highest - highest).exp()).sum();
        *logsumexp = highest + sum.ln();
        *logp = marks().map(|mark| mark.taken).sum::<f32>() - *logsumexp;
    }
}

/// Sets `d_hidden`, and adds to `d_table` if the table is trained, from the gradient of `logp`. What [`forward`] left in `kept` is used
/// up; the result is the same without it.
///
/// # Panics
/// If the shapes do not fit or a target is no word.
pub fn backward(
    d_hidden: &mut [f32],
    mut d_table: Option<&mut [f32]>,
    d_logp: &[f32],
    logsumexp: &[f32],
    kept: &mut [f32],
    inputs: Inputs<'_>,
) {
    let Inputs { hidden, table, targets, width } = inputs;
    let words = check(inputs, [d_logp.len(), logsumexp.len()]);
    assert_eq!(d_hidden.len(), hidden.len());
    assert!(d_table.as_ref().is_none_or(|d_table| d_table.len() == table.len()));
    if targets.is_empty() {
        return;
    }
    let lanes: Vec<_> = lanes(kept, targets.len(), words)
        .into_iter()
        .map(|lane| {
            let part = lane.words.len() * width;
            let d_table = d_table.as_mut().map(|rest| rest.split_off_mut(..part).expect("a gradient for all words"));
            (lane, d_table)
        })
        .collect();
    // Each lane has its own sums for the rows, added in the order of the words.
    let rooms: Vec<Room> = lanes
        .into_par_iter()
        .with_max_len(1)
        .map(|(lane, mut d_table)| {
            let Lane { words, kept, mut room } = lane;
            room.d_hidden.resize(hidden.len(), 0.0);
            let mut places = Places { kept, room: &mut room.scores };
            let first = words.start;
            for words in chunks(words, WORDS) {
                let part_of_table = table.part(words.start * width..words.end * width);
                for rows in chunks(0..targets.len(), ROWS) {
                    let numbers = rows.start * width..rows.end * width;
                    let (tile, known) = places.next(rows.len() * words.len());
                    if !known {
                        score(tile, &rows, part_of_table, inputs);
                    }
                    differentiate(tile, &targets[rows.clone()], &logsumexp[rows.clone()], &d_logp[rows], words.clone());
                    let write = if words.start == first { Write::Set } else { Write::Add };
                    linear_input(&mut room.d_hidden[numbers.clone()], write, tile, part_of_table, width, Threads::One);
                    if let Some(d_table) = &mut d_table {
                        let part = (words.start - first) * width..(words.end - first) * width;
                        let d_table = &mut d_table[part];
                        linear_weight(d_table, tile, &hidden[numbers], width, table.in_halves(), Threads::One);
                    }
                }
            }
            room
        })
        .collect();
    for (place, room) in rooms.into_iter().enumerate() {
        if place == 0 {
            d_hidden.copy_from_slice(&room.d_hidden);
        } else {
            d_hidden.iter_mut().zip(&room.d_hidden).for_each(|(sum, part)| *sum += part);
        }
        room.give_back();
    }
}

/// As many lanes as threads, if there are tiles for them.
fn lanes(mut kept: &mut [f32], rows: usize, words: usize) -> Vec<Lane<'_>> {
    let tiles = words.div_ceil(WORDS);
    let tiles_of_lane = tiles.div_ceil(rayon::current_num_threads()).max(1);
    chunks(0..words, tiles_of_lane * WORDS)
        .map(|words| {
            let here = kept.len().min(rows * words.len());
            let kept = kept.split_off_mut(..here).expect("no more than there is");
            let room = Room::taken(if here < rows * words.len() { rows.min(ROWS) * WORDS.min(words.len()) } else { 0 });
            Lane { words, kept, room }
        })
        .collect()
}

/// The number of words.
fn check(inputs: Inputs<'_>, lengths: [usize; 2]) -> usize {
    let Inputs { hidden, table, targets, width } = inputs;
    let words = table.len() / width;
    assert_eq!((hidden.len(), table.len()), (targets.len() * width, words * width), "rows of {width} numbers");
    assert_eq!(lengths, [targets.len(); 2], "one number for each target");
    assert!(targets.iter().all(|&t| (t as usize) < words), "a target that is no word");
    words
}

/// Where a lane computes.
#[derive(Default)]
struct Room {
    /// One tile, if not all are kept.
    scores: Vec<f32>,
    /// What its words add to the gradient of the rows.
    d_hidden: Vec<f32>,
}

/// Rooms that no lane uses, for the next: as many as there ever were lanes at once.
static ROOMS: Mutex<Vec<Room>> = Mutex::new(Vec::new());

impl Room {
    fn taken(scores: usize) -> Room {
        let mut room = ROOMS.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        room.scores.resize(scores, 0.0);
        room
    }

    fn give_back(self) {
        ROOMS.lock().unwrap_or_else(PoisonError::into_inner).push(self);
    }
}

/// Where the scores of one tile after another lie: the first where they are kept, those after them in the room.
struct Places<'a> {
    kept: &'a mut [f32],
    room: &'a mut [f32],
}

impl Places<'_> {
    /// Those of the next tile, and whether they are kept.
    fn next(&mut self, length: usize) -> (&mut [f32], bool) {
        if self.kept.len() < length {
            self.kept = &mut [];
            return (&mut self.room[..length], false);
        }
        let (tile, rest) = std::mem::take(&mut self.kept).split_at_mut(length);
        self.kept = rest;
        (tile, true)
    }
}

/// The scores of these rows for the words of a part of the table.
fn score(tile: &mut [f32], rows: &Range<usize>, table: Stored<'_>, inputs: Inputs<'_>) {
    let hidden = &inputs.hidden[rows.start * inputs.width..rows.end * inputs.width];
    linear(tile, Write::Set, hidden, table, inputs.width, Threads::One);
}

vectorized! { fn mark(tile: &[f32], marks: &mut [Mark], targets: &[u32], words: Range<usize>) => mark_body }
vectorized! {
    fn differentiate(tile: &mut [f32], targets: &[u32], logsumexp: &[f32], d_logp: &[f32], words: Range<usize>) => differentiate_body
}

#[inline(always)]
fn mark_body<A: Arithmetic>(tile: &[f32], marks: &mut [Mark], targets: &[u32], words: Range<usize>) {
    for ((scores, mark), &target) in tile.chunks_exact(words.len()).zip(marks).zip(targets) {
        mark.highest = maximum(scores);
        mark.sum = sum_of_exponentials::<A>(scores, mark.highest);
        if words.contains(&(target as usize)) {
            mark.taken = scores[target as usize - words.start];
        }
    }
}

#[inline(always)]
fn differentiate_body<A: Arithmetic>(
    tile: &mut [f32],
    targets: &[u32],
    logsumexp: &[f32],
    d_logp: &[f32],
    words: Range<usize>,
) {
    let rows = tile.chunks_exact_mut(words.len()).zip(targets).zip(logsumexp).zip(d_logp);
    for (((scores, &target), &logsumexp), &d_logp) in rows {
        scores.iter_mut().for_each(|z| *z = -d_logp * exp::<A>(*z - logsumexp));
        if words.contains(&(target as usize)) {
            scores[target as usize - words.start] += d_logp;
        }
    }
}

/// `sum(exp(value - shift))`.
#[inline(always)]
fn sum_of_exponentials<A: Arithmetic>(values: &[f32], shift: f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for chunk in whole {
        for i in 0..LANES {
            lanes[i] += exp::<A>(chunk[i] - shift);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += exp::<A>(*value - shift);
    }
    sum_lanes(lanes)
}

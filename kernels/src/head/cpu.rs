use super::Inputs;
use crate::{
    exp::exp,
    matrix::{Write, linear, linear_input, linear_weight},
    stored::Stored,
    task,
    vector::{Arithmetic, LANES, maximum, sum_lanes, vectorized},
};
use rayon::prelude::*;
use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

/// A tile holds the scores of this many rows for this many words: 8 MiB, large enough that its products run at full
/// speed and small enough for the last cache of a processor. Words are the outer loop: a part of the table, and of its
/// gradient, is brought from memory once for all rows, and few tiles of rows add to it.
pub(super) const ROWS: usize = 1024;
pub(super) const WORDS: usize = 2048;

/// Scores that are worth keeping from the forward to the backward pass, which then need not be computed again: 40 MiB. With a tile and
/// what products rearrange this is a tenth of the 600 MB that three matrices of the scores of 1024 rows and 49152 words take, and for
/// vocabularies of some thousand words it is all of them.
pub const KEPT: usize = 10 << 20;

/// Numbers to give both passes for scores to keep: all scores, or [`KEPT`].
#[must_use]
pub fn kept(rows: usize, words: usize) -> usize {
    rows.saturating_mul(words).min(KEPT)
}

/// What is known of a row after some of its words.
#[derive(Clone, Copy)]
struct Running {
    highest: f32,
    /// Of `exp(score - highest)`.
    sum: f32,
    /// The score of the target.
    taken: f32,
}

/// `logp`, and the `logsumexp` that [`backward`] needs, of each row; and in `kept`, of any length, the scores of as many tiles as fit.
///
/// # Panics
/// If the shapes do not fit or a target is no word.
pub fn forward(logp: &mut [f32], logsumexp: &mut [f32], kept: &mut [f32], inputs: Inputs<'_>) {
    let words = check(inputs, [logp.len(), logsumexp.len()]);
    let mut room = Room::taken(inputs, words);
    let mut places = Places { kept, room: &mut room.scores };
    let begun = Running { highest: f32::NEG_INFINITY, sum: 0.0, taken: 0.0 };
    let mut running = vec![begun; inputs.targets.len()];
    for words in chunks(words, WORDS) {
        let table = inputs.table.part(words.start * inputs.width..words.end * inputs.width);
        for rows in chunks(inputs.targets.len(), ROWS) {
            let (tile, _) = places.next(rows.len() * words.len());
            score(tile, &rows, table, inputs);
            let per_task = task::rows(words.len());
            tile.par_chunks_mut(per_task * words.len())
                .zip(running[rows.clone()].par_chunks_mut(per_task))
                .zip(inputs.targets[rows].par_chunks(per_task))
                .for_each(|((tile, running), targets)| run_over(tile, running, targets, words.clone()));
        }
    }
    for ((logp, logsumexp), running) in logp.iter_mut().zip(logsumexp).zip(running) {
        *logsumexp = running.highest + running.sum.ln();
        *logp = running.taken - *logsumexp;
    }
    room.give_back();
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
    let words = check(inputs, [d_logp.len(), logsumexp.len()]);
    let Inputs { hidden, table, targets, width } = inputs;
    assert_eq!(d_hidden.len(), hidden.len());
    assert!(d_table.as_ref().is_none_or(|d_table| d_table.len() == table.len()));
    let mut room = Room::taken(inputs, words);
    let mut places = Places { kept, room: &mut room.scores };
    for words in chunks(words, WORDS) {
        let part = words.start * width..words.end * width;
        let part_of_table = table.part(part.clone());
        for rows in chunks(targets.len(), ROWS) {
            let numbers = rows.start * width..rows.end * width;
            let (tile, known) = places.next(rows.len() * words.len());
            if !known {
                score(tile, &rows, part_of_table, inputs);
            }
            let per_task = task::rows(words.len());
            tile.par_chunks_mut(per_task * words.len())
                .zip(targets[rows.clone()].par_chunks(per_task))
                .zip(logsumexp[rows.clone()].par_chunks(per_task))
                .zip(d_logp[rows.clone()].par_chunks(per_task))
                .for_each(|(((tile, targets), logsumexp), d_logp)| {
                    differentiate(tile, targets, logsumexp, d_logp, words.clone());
                });
            let write = if words.start == 0 { Write::Set } else { Write::Add };
            linear_input(&mut d_hidden[numbers.clone()], write, tile, part_of_table, width);
            if let Some(d_table) = &mut d_table {
                linear_weight(&mut d_table[part.clone()], tile, &hidden[numbers], width, table.in_halves());
            }
        }
    }
    room.give_back();
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

/// Where a call computes.
#[derive(Default)]
struct Room {
    /// One tile.
    scores: Vec<f32>,
}

/// Rooms that no call uses, for the next: as many as there ever were calls at once.
static ROOMS: Mutex<Vec<Room>> = Mutex::new(Vec::new());

impl Room {
    fn taken(inputs: Inputs<'_>, words: usize) -> Room {
        let mut room = ROOMS.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        room.scores.resize(inputs.targets.len().min(ROWS) * words.min(WORDS), 0.0);
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

fn chunks(length: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length).step_by(size).map(move |start| start..(start + size).min(length))
}

/// The scores of these rows for the words of a part of the table.
fn score(tile: &mut [f32], rows: &Range<usize>, table: Stored<'_>, inputs: Inputs<'_>) {
    let hidden = &inputs.hidden[rows.start * inputs.width..rows.end * inputs.width];
    linear(tile, Write::Set, hidden, table, inputs.width);
}

vectorized! { fn run_over(tile: &[f32], running: &mut [Running], targets: &[u32], words: Range<usize>) => run_over_body }
vectorized! {
    fn differentiate(tile: &mut [f32], targets: &[u32], logsumexp: &[f32], d_logp: &[f32], words: Range<usize>) => differentiate_body
}

#[inline(always)]
fn run_over_body<A: Arithmetic>(tile: &[f32], running: &mut [Running], targets: &[u32], words: Range<usize>) {
    for ((scores, running), &target) in tile.chunks_exact(words.len()).zip(running).zip(targets) {
        let highest = running.highest.max(maximum(scores));
        running.sum = running.sum * (running.highest - highest).exp() + sum_of_exponentials::<A>(scores, highest);
        running.highest = highest;
        if words.contains(&(target as usize)) {
            running.taken = scores[target as usize - words.start];
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

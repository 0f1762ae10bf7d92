use super::{
    ByPolicy, Inputs, NoWord, Policy, Region,
    plan::moving,
    row::{Desk, Row, Start},
};
use crate::matrix::{Matrix, MatrixMut, Threads, Write, multiply, multiply_halves};
use crate::stored::Stored;
use crate::task::chunks;
use rayon::prelude::*;
use std::{
    ops::Range,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Scores there are at once, of all policies: 64 MiB. More words leave room for fewer rows.
const SCORES: usize = 16 << 20;
/// More rows than this make no product faster.
const ROWS: usize = 512;
/// Words of the table that are multiplied at a time.
const WORDS: usize = 4096;

/// Sets `sums`, `[row, sum]`.
///
/// # Errors
/// If a logarithm of a sum has no word with a weight at some row.
///
/// # Panics
/// If the shapes do not fit.
pub fn forward(sums: &mut [f32], inputs: Inputs<'_>) -> Result<(), NoWord> {
    let Shape { rows, words } = check(inputs);
    let Inputs { region, policies, given } = inputs;
    let each = region.sums.len();
    assert_eq!(sums.len(), rows * each, "a number for each sum of each row");
    let none = AtomicUsize::new(usize::MAX);
    let mut room: Vec<f32> = take(&ROOMS);
    let per_row = policies.len() * words;
    for block in blocks(rows, per_row) {
        let scores = sized(&mut room, block.len() * per_row);
        score(scores, &block, words, inputs);
        scores
            .par_chunks(per_row)
            .zip(sums[block.start * each..block.end * each].par_chunks_mut(each))
            .zip(block.into_par_iter())
            .for_each(|((scores, sums), row)| {
                let mut desk = take(&DESKS);
                let row = Row { region, scores, words, given: of_row(given, region, row) };
                if let Some(step) = desk.forward(row, sums) {
                    none.fetch_min(step, Ordering::Relaxed);
                }
                give_back(&DESKS, desk);
            });
    }
    give_back(&ROOMS, room);
    match none.into_inner() {
        usize::MAX => Ok(()),
        step => Err(NoWord { step }),
    }
}

/// Adds to the gradient by each policy that has one, and sets that by the given numbers, `[row, given]`, which is 0 for those
/// that are not `live`; from the gradient by the sums.
///
/// # Panics
/// If the shapes do not fit, or a word is none.
pub fn backward(
    by_policy: &mut [Option<ByPolicy<'_>>],
    d_given: &mut [f32],
    live_given: &[bool],
    d_sums: &[f32],
    inputs: Inputs<'_>,
) {
    let Shape { rows, words } = check(inputs);
    let Inputs { region, policies, given } = inputs;
    let (each, per_row) = (region.sums.len(), policies.len() * words);
    assert_eq!((d_sums.len(), d_given.len()), (rows * each, given.len()), "one number for each");
    assert_eq!((by_policy.len(), live_given.len()), (policies.len(), region.given()), "one answer for each");
    for (by, policy) in by_policy.iter().zip(policies).filter_map(|(by, policy)| Some((by.as_ref()?, policy))) {
        assert_eq!(by.d_hidden.len(), policy.hidden.len());
        assert!(by.d_table.as_ref().is_none_or(|d_table| d_table.len() == policy.table.len()));
        if let Some((targets, d_logp)) = by.taken {
            assert_eq!((targets.len(), d_logp.len()), (rows, rows), "one word for each row");
            assert!(targets.iter().all(|word| (*word as usize) < words), "a target that is no word");
        }
    }
    let live: Vec<bool> = by_policy.iter().map(Option::is_some).collect();
    let moving = moving(&region.steps, &live, live_given);
    let start = |row: usize| Start { d_sums: &d_sums[row * each..][..each], moving: &moving, live: &live };
    let mut room: Vec<f32> = take(&ROOMS);
    for block in blocks(rows, per_row) {
        let scores = sized(&mut room, block.len() * per_row);
        score(scores, &block, words, inputs);
        let taken: Vec<_> = by_policy.iter().map(|by| by.as_ref().and_then(|by| by.taken)).collect();
        let numbers = region.given();
        let one_row = |scores: &mut [f32], row: usize, d_given: &mut [f32]| {
            let mut desk = take(&DESKS);
            let read = Row { region, scores, words, given: of_row(given, region, row) };
            desk.backward(read, start(row), d_given);
            for (policy, scores) in scores.chunks_mut(words).enumerate().filter(|(policy, _)| live[*policy]) {
                let taken = taken[policy].map(|(targets, d_logp)| (targets[row], d_logp[row]));
                desk.by_scores(policy, scores, taken);
            }
            give_back(&DESKS, desk);
        };
        let each_row = scores.par_chunks_mut(per_row).zip(block.clone().into_par_iter());
        if numbers == 0 {
            each_row.for_each(|(scores, row)| one_row(scores, row, &mut []));
        } else {
            let d_given = d_given[block.start * numbers..block.end * numbers].par_chunks_mut(numbers);
            each_row.zip(d_given).for_each(|((scores, row), d_given)| one_row(scores, row, d_given));
        }
        for (number, (by, policy)) in by_policy.iter_mut().zip(policies).enumerate() {
            if let Some(by) = by {
                let d_scores = &scores[number * words..];
                hand_on(by, &block, (d_scores, per_row), *policy);
            }
        }
    }
    give_back(&ROOMS, room);
}

/// From the gradient by the scores of some rows, which begin so many numbers apart.
fn hand_on(
    by: &mut ByPolicy<'_>,
    block: &Range<usize>,
    (d_scores, apart): (&[f32], usize),
    Policy { hidden, table, width }: Policy<'_>,
) {
    let states = block.start * width..block.end * width;
    for words in chunks(0..table.len() / width, WORDS) {
        let part = words.start * width..words.end * width;
        let d_scores = Matrix::strided(&d_scores[words.start..], block.len(), words.len(), apart);
        let d_hidden = MatrixMut::new(&mut by.d_hidden[states.clone()], block.len(), width);
        match table.part(part.clone()) {
            Stored::Whole(table) => {
                multiply(d_hidden, Write::Add, d_scores, Matrix::new(table, words.len(), width), Threads::All);
            }
            Stored::Halves(table) => {
                multiply_halves(d_hidden, Write::Add, d_scores, Matrix::new(table, words.len(), width));
            }
            Stored::Rounded(table) => {
                multiply_halves(d_hidden, Write::Add, d_scores, Matrix::new(table, words.len(), width));
            }
        }
        if let Some(d_table) = &mut by.d_table {
            let d_table = MatrixMut::new(&mut d_table[part], words.len(), width);
            let hidden = Matrix::new(&hidden[states.clone()], block.len(), width);
            if table.in_halves() {
                multiply_halves(d_table, Write::Add, d_scores.transposed(), hidden);
            } else {
                multiply(d_table, Write::Add, d_scores.transposed(), hidden, Threads::All);
            }
        }
    }
}

/// The scores of these rows: `[row, policy, word]`.
fn score(scores: &mut [f32], block: &Range<usize>, words: usize, inputs: Inputs<'_>) {
    let apart = inputs.policies.len() * words;
    for (number, &Policy { hidden, table, width }) in inputs.policies.iter().enumerate() {
        let hidden = Matrix::new(&hidden[block.start * width..block.end * width], block.len(), width);
        for part in chunks(0..words, WORDS) {
            let scores = &mut scores[number * words + part.start..];
            let scores = MatrixMut::strided(scores, block.len(), part.len(), apart);
            match table.part(part.start * width..part.end * width) {
                Stored::Whole(table) => {
                    let table = Matrix::new(table, part.len(), width).transposed();
                    multiply(scores, Write::Set, hidden, table, Threads::All);
                }
                Stored::Halves(table) => {
                    multiply_halves(scores, Write::Set, hidden, Matrix::new(table, part.len(), width).transposed());
                }
                Stored::Rounded(table) => {
                    multiply_halves(scores, Write::Set, hidden, Matrix::new(table, part.len(), width).transposed());
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Shape {
    rows: usize,
    words: usize,
}

fn check(Inputs { region, policies, given }: Inputs<'_>) -> Shape {
    assert!(region.policies() <= policies.len() && !policies.is_empty(), "a policy for each number");
    let rows_of = |policy: &Policy<'_>| policy.hidden.len() / policy.width;
    let words_of = |policy: &Policy<'_>| policy.table.len() / policy.width;
    let (rows, words) = (rows_of(&policies[0]), words_of(&policies[0]));
    for policy in policies {
        assert_eq!((rows_of(policy), words_of(policy)), (rows, words), "policies with the same rows and words");
        assert_eq!(
            (policy.hidden.len(), policy.table.len()),
            (rows * policy.width, words * policy.width),
            "rows of {} numbers",
            policy.width
        );
    }
    assert_eq!(given.len(), rows * region.given(), "the given numbers of each row");
    assert!(words > 0, "a vocabulary without words");
    Shape { rows, words }
}

fn of_row<'a>(given: &'a [f32], region: &Region, row: usize) -> &'a [f32] {
    let each = region.given();
    &given[row * each..][..each]
}

/// The rows that are worked on together.
fn blocks(rows: usize, per_row: usize) -> impl Iterator<Item = Range<usize>> {
    chunks(0..rows, (SCORES / per_row).clamp(1, ROWS))
}

/// So many numbers of a room.
fn sized(scores: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if scores.len() < length {
        scores.resize(length, 0.0);
    }
    &mut scores[..length]
}

/// Rooms for scores, and desks, that nobody uses, for the next.
static ROOMS: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());
static DESKS: Mutex<Vec<Desk>> = Mutex::new(Vec::new());

fn take<T: Default>(free: &Mutex<Vec<T>>) -> T {
    free.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
}

fn give_back<T>(free: &Mutex<Vec<T>>, one: T) {
    free.lock().unwrap_or_else(PoisonError::into_inner).push(one);
}

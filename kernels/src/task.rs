//! How work is cut: by amount, at places that do not depend on the number of threads.

use rayon::prelude::*;
use std::ops::Range;

/// Numbers a task should touch at least: below this, handing it to another thread costs more than it saves.
const WORTHWHILE: usize = 16 * 1024;

/// Rows of `width` numbers that make a worthwhile task.
pub(crate) fn rows(width: usize) -> usize {
    (WORTHWHILE / width.max(1)).max(1)
}

/// Numbers that make a worthwhile task, where they need not stay in rows.
pub(crate) const NUMBERS: usize = WORTHWHILE;

/// A range cut into ranges of this size, of which the last may be shorter.
pub(crate) fn chunks(of: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    of.clone().step_by(size).map(move |start| start..(start + size).min(of.end))
}

/// Adds what each of some tasks gives to `sums`, in their order, so that the result is the same on every run.
pub(crate) fn add_in_order(sums: &mut [f32], parts: impl IndexedParallelIterator<Item = Vec<f32>>) {
    let parts: Vec<Vec<f32>> = parts.collect();
    for part in parts {
        sums.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    }
}

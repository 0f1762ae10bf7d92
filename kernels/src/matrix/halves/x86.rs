//! The product with AVX512-BF16: operands are brought together once for each pass over a part of the inner size, then tiles are
//! multiplied, both as tasks that are cut at fixed places.

use super::{
    Matrix, MatrixMut, Operand, Write,
    pack_x86::{Element, Lines},
    tile_x86::{COLUMNS, Place, ROWS, tile},
};
use crate::{matrix::reaches, scatter::Scatter, task};
use rayon::prelude::*;
use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

/// Numbers of the inner size that are multiplied before sums are written: at most.
const DEPTH: usize = 1024;
/// Pairs from one row of the left to the next, where rows lie one after the other: more than they take, so that rows do not
/// push each other out of the cache.
const APART: usize = DEPTH / 2 + 16;
/// Rows of the left that are brought together at once.
const MOST_ROWS: usize = 144 * ROWS;
/// Panels of either side that a task multiplies: its part of both stays in the second cache.
const LEFT_PANELS: usize = 6;
const RIGHT_PANELS: usize = 6;

/// Has the processor what the kernel is made of?
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bf16")
}

/// Where operands are brought together, in pairs.
#[derive(Default)]
struct Room {
    left: Vec<u32>,
    right: Vec<u32>,
}

/// Rooms that no product uses, for the next: as many as there ever were products at once.
static ROOMS: Mutex<Vec<Room>> = Mutex::new(Vec::new());

/// This many pairs of a room, from where a line of the cache begins.
fn part(room: &mut Vec<u32>, length: usize) -> &mut [u32] {
    const LINE: usize = 16;
    if room.len() < length + LINE {
        room.resize(length + LINE, 0);
    }
    let skip = room.as_ptr().align_offset(size_of::<u32>() * LINE).min(LINE);
    &mut room[skip..][..length]
}

/// # Panics
/// If the processor has no AVX512-BF16, or the shapes do not fit.
pub(super) fn multiply(out: MatrixMut<'_>, write: Write, lhs: Operand<'_>, rhs: Operand<'_>) {
    match (lhs, rhs) {
        (Operand::Whole(lhs), Operand::Whole(rhs)) => product(out, write, lhs, rhs),
        (Operand::Whole(lhs), Operand::Halves(rhs)) => product(out, write, lhs, rhs),
        (Operand::Halves(lhs), Operand::Whole(rhs)) => product(out, write, lhs, rhs),
        (Operand::Halves(lhs), Operand::Halves(rhs)) => product(out, write, lhs, rhs),
    }
}

fn product<L: Element, R: Element>(out: MatrixMut<'_>, write: Write, lhs: Matrix<'_, L>, rhs: Matrix<'_, R>) {
    assert!(available(), "a processor without AVX512-BF16");
    let rooms = || ROOMS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut room = rooms().pop().unwrap_or_default();
    let MatrixMut { data, rows, columns, row_stride } = out;
    let out = Scatter::new(data);
    let rhs = rhs.transposed();
    // Passes of the same depth, of whole pairs.
    let depth = lhs.columns.div_ceil(lhs.columns.div_ceil(DEPTH)).next_multiple_of(2);
    for start in (0..lhs.columns).step_by(depth) {
        let inner = start..lhs.columns.min(start + depth);
        let pairs = inner.len().div_ceil(2);
        let right = part(&mut room.right, columns.div_ceil(COLUMNS) * COLUMNS * pairs);
        for first in (0..rows).step_by(MOST_ROWS) {
            let some = first..rows.min(first + MOST_ROWS);
            let (along, panel) = (lhs.column_stride == 1, if lhs.column_stride == 1 { APART } else { pairs } * ROWS);
            let left = part(&mut room.left, some.len().div_ceil(ROWS) * panel);
            rayon::join(
                || {
                    if first == 0 {
                        pack_right(right, rhs, &inner);
                    }
                },
                || pack_left(left, lhs, &some, &inner),
            );
            let pass = Pass {
                out: &out,
                apart: row_stride,
                write: if start == 0 { write } else { Write::Add },
                rows: some,
                columns,
                left,
                panel,
                along,
                right,
                pairs,
            };
            pass.run();
        }
    }
    rooms().push(room);
}

/// All panels of the right.
fn pack_right<T: Element>(right: &mut [u32], columns: Matrix<'_, T>, inner: &Range<usize>) {
    let panel = COLUMNS * inner.len().div_ceil(2);
    let lines = |first: usize, count: usize| Lines {
        matrix: columns,
        lines: first..columns.rows.min(first + count),
        inner: inner.clone(),
    };
    if columns.column_stride == 1 {
        let panels = right.par_chunks_exact_mut(panel).with_min_len(task::rows(panel)).enumerate();
        panels.for_each(|(index, panel)| {
            // SAFETY: the processor was asked.
            #[allow(unsafe_code)]
            unsafe {
                lines(index * COLUMNS, COLUMNS).turned(panel)
            };
        });
    } else {
        // Several at once, so that more is read of each row.
        let together = task::rows(panel).max(4);
        right.par_chunks_mut(together * panel).enumerate().for_each(|(index, panels)| {
            let lines = lines(index * together * COLUMNS, together * COLUMNS);
            // SAFETY: as above.
            #[allow(unsafe_code)]
            unsafe {
                lines.side_by_side::<COLUMNS>(panels)
            };
        });
    }
}

/// Some rows of the left.
fn pack_left<T: Element>(left: &mut [u32], rows: Matrix<'_, T>, some: &Range<usize>, inner: &Range<usize>) {
    let pairs = inner.len().div_ceil(2);
    let lines = |first: usize, count: usize| Lines {
        matrix: rows,
        lines: some.start + first..some.end.min(some.start + first + count),
        inner: inner.clone(),
    };
    if rows.column_stride == 1 {
        let panels = left.par_chunks_exact_mut(APART * ROWS).with_min_len(task::rows(ROWS * pairs)).enumerate();
        panels.for_each(|(index, panel)| {
            // SAFETY: the processor was asked.
            #[allow(unsafe_code)]
            unsafe {
                lines(index * ROWS, ROWS).one_after_the_other(panel, APART)
            };
        });
    } else {
        let together = task::rows(ROWS * pairs).max(8);
        left.par_chunks_mut(together * ROWS * pairs).enumerate().for_each(|(index, panels)| {
            let lines = lines(index * together * ROWS, together * ROWS);
            // SAFETY: as above.
            #[allow(unsafe_code)]
            unsafe {
                lines.side_by_side::<ROWS>(panels)
            };
        });
    }
}

/// The tiles of some rows, for a part of the inner size.
struct Pass<'a> {
    out: &'a Scatter<'a>,
    apart: usize,
    write: Write,
    rows: Range<usize>,
    columns: usize,
    left: &'a [u32],
    /// Pairs of a panel of the left.
    panel: usize,
    /// Do its rows lie one after the other?
    along: bool,
    right: &'a [u32],
    pairs: usize,
}

impl Pass<'_> {
    fn run(&self) {
        let down = self.rows.len().div_ceil(LEFT_PANELS * ROWS);
        let across = self.columns.div_ceil(RIGHT_PANELS * COLUMNS);
        let work = 2 * self.pairs * LEFT_PANELS * ROWS * RIGHT_PANELS * COLUMNS;
        let few = (WORTHWHILE / work).max(1);
        (0..down * across).into_par_iter().with_min_len(few).for_each(|task| {
            let (row, column) = (task % down * LEFT_PANELS, task / down * RIGHT_PANELS);
            for column in (column * COLUMNS..self.columns).step_by(COLUMNS).take(RIGHT_PANELS) {
                for row in (row * ROWS..self.rows.len()).step_by(ROWS).take(LEFT_PANELS) {
                    self.tile(row, column);
                }
            }
        });
    }

    /// The tile that begins with this row of the pass and this column.
    fn tile(&self, row: usize, column: usize) {
        let (rows, columns) = (ROWS.min(self.rows.len() - row), COLUMNS.min(self.columns - column));
        let start = (self.rows.start + row) * self.apart + column;
        let reach = reaches(rows, columns, self.apart);
        assert!(start + reach <= self.out.len(), "a tile outside the result");
        let left = &self.left[row / ROWS * self.panel..][..self.panel];
        let right = &self.right[column * self.pairs..][..COLUMNS * self.pairs];
        let place = Place {
            out: self.out.start().wrapping_add(start),
            apart: self.apart,
            write: self.write,
            rows,
            columns,
            left: left.as_ptr(),
            right: right.as_ptr(),
            pairs: self.pairs,
        };
        // SAFETY: the processor was asked; the panels are whole, and no other task has these rows and columns of the result.
        #[allow(unsafe_code)]
        unsafe {
            if self.along { tile::<APART, 1>(place) } else { tile::<1, ROWS>(place) }
        }
    }
}

/// Multiply-adds that make a worthwhile task.
const WORTHWHILE: usize = 1 << 20;

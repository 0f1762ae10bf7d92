use super::{Heads, Segment};
use crate::matrix::COLUMNS;
use std::ops::Range;

/// Keys or values of one head of some segments with the same prefix, brought together.
#[derive(Default)]
pub(super) struct Packed {
    /// [`COLUMNS`] columns at a time, so that those of many rows are neighbours: `[wide / COLUMNS, rows, COLUMNS]` from the first
    /// row of the segments to their last, zeros beyond a head's width.
    pub(super) rows: Vec<f32>,
    /// How many rows.
    pub(super) count: usize,
    /// The same turned, [`COLUMNS`] rows at a time: `[panels, width, COLUMNS]`. Each segment begins a panel of its own, so that
    /// the panels of a prefix end where it ends; what is left of a panel is zeros.
    pub(super) panels: Vec<f32>,
}

/// A head's width, in whole tiles.
pub(super) fn wide(heads: Heads) -> usize {
    heads.width.next_multiple_of(COLUMNS)
}

/// Panels that some rows take.
pub(super) fn panels(rows: usize) -> usize {
    rows.div_ceil(COLUMNS)
}

/// From the first of some segments' rows to their last.
pub(super) fn rows(family: &[Segment]) -> Range<usize> {
    match (family.first(), family.last()) {
        (Some(first), Some(last)) => first.own.start..last.own.end,
        _ => 0..0,
    }
}

impl Packed {
    /// Takes the heads that begin at `place` of their row.
    pub(super) fn take(&mut self, qkv: &[f32], place: usize, family: &[Segment], heads: Heads, turned: bool) {
        let (width, stride) = (heads.width, heads.row());
        let head = |row: usize| &qkv[row * stride + place..][..width];
        self.count = rows(family).len();
        self.rows.clear();
        for column in (0..width).step_by(COLUMNS) {
            let columns = column..width.min(column + COLUMNS);
            for row in rows(family) {
                let numbers = &head(row)[columns.clone()];
                match <&[f32; COLUMNS]>::try_from(numbers) {
                    Ok(whole) => self.rows.extend_from_slice(whole),
                    Err(_) => {
                        self.rows.extend_from_slice(numbers);
                        self.rows.resize(self.rows.len().next_multiple_of(COLUMNS), 0.0);
                    }
                }
            }
        }
        self.panels.clear();
        if !turned {
            return;
        }
        for segment in family {
            for first in segment.own.clone().step_by(COLUMNS) {
                let start = self.panels.len();
                self.panels.resize(start + width * COLUMNS, 0.0);
                let panel = self.panels[start..].as_chunks_mut::<COLUMNS>().0;
                for (column, row) in (first..(first + COLUMNS).min(segment.own.end)).enumerate() {
                    for (numbers, x) in panel.iter_mut().zip(head(row)) {
                        numbers[column] = *x;
                    }
                }
            }
        }
    }
}

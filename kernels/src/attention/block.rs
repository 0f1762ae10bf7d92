//! What the forward and the backward pass do with one block of scores.
//!
//! A block holds the queries of a few neighbouring tokens and of all heads of a group, `(token, head)` by row. Its columns are
//! the keys that they see: first the panels in which their prefix lies, then those of their segment's own keys. A column
//! that a row does not see holds 0 once the scores are probabilities.

use super::{
    Heads, Segment,
    packed::{Packed, panels, wide},
};
use crate::matrix::{COLUMNS, Left, Right, Sizes, Write, multiply_near};
use std::ops::Range;

/// Rows of scores that a block should have: as many as use a panel of keys while it is near.
const ROWS: usize = 64;
/// Rows of a product whose own keys are counted together.
const STRIP: usize = 12;

/// One block's place.
#[derive(Clone, Debug)]
pub(super) struct Block<'a> {
    pub(super) segment: &'a Segment,
    /// The first row of the segments with the same prefix.
    first: usize,
    /// The first panel of the segment's own keys.
    own_panel: usize,
    /// The tokens whose queries these are.
    pub(super) queries: Range<usize>,
}

/// Which columns of a block's scores its rows see.
#[derive(Clone, Copy, Debug)]
pub(super) struct Columns {
    /// Numbers from one row of scores to the next.
    pub(super) apart: usize,
    /// Those of the prefix.
    prefix: (usize, usize),
    /// Where the own keys begin.
    own: usize,
    /// Own keys that the first token sees.
    first_sees: usize,
    /// Rows for each token.
    group: usize,
    /// Where the last row's panel ends.
    pub(super) end: usize,
}

impl Columns {
    /// Columns before the first that this row does not see.
    #[inline(always)]
    pub(super) fn seen(self, row: usize) -> usize {
        self.own + self.first_sees + row / self.group
    }

    /// Columns before `seen` that no row sees: between the prefix and where its panels begin and end.
    #[inline(always)]
    pub(super) fn gaps(self) -> [Range<usize>; 2] {
        [0..self.prefix.0, self.prefix.1..self.own]
    }
}

impl<'a> Block<'a> {
    /// The blocks of segments with the same prefix, in order.
    pub(super) fn of(family: &'a [Segment], heads: Heads) -> impl Iterator<Item = Block<'a>> {
        let tokens = (ROWS / heads.group()).max(8);
        let mut next_panel = 0;
        family.iter().flat_map(move |segment| {
            let own_panel = next_panel;
            next_panel += panels(segment.own.len());
            let first = family[0].own.start;
            segment.queries.clone().step_by(tokens).map(move |start| {
                let queries = start..(start + tokens).min(segment.queries.end);
                Block { segment, first, own_panel, queries }
            })
        })
    }

    /// Rows of scores.
    pub(super) fn rows(&self, heads: Heads) -> usize {
        self.queries.len() * heads.group()
    }

    /// Scores that are asked for, more or less.
    pub(super) fn work(&self, heads: Heads) -> usize {
        self.rows(heads) * (self.segment.prefix.len() + self.queries.end - self.segment.own.start)
    }

    /// Where in the panels of keys the prefix begins.
    fn lead(&self) -> usize {
        if self.segment.prefix.is_empty() { 0 } else { (self.segment.prefix.start - self.first) % COLUMNS }
    }

    /// Panels of the prefix.
    fn prefix_panels(&self) -> Range<usize> {
        let length = self.segment.prefix.len();
        if length == 0 {
            return 0..0;
        }
        let first = (self.segment.prefix.start - self.first) / COLUMNS;
        first..first + panels(self.lead() + length)
    }

    pub(super) fn columns(&self, heads: Heads) -> Columns {
        let (lead, own) = (self.lead(), self.prefix_panels().len() * COLUMNS);
        let sees = self.queries.end - self.segment.own.start;
        let end = own + panels(sees) * COLUMNS;
        Columns {
            // An odd number of panels: rows that lie a multiple of 4096 bytes apart would push each other out of the cache.
            apart: ((end / COLUMNS) | 1) * COLUMNS,
            prefix: (lead, lead + self.segment.prefix.len()),
            own,
            first_sees: self.queries.start - self.segment.own.start + 1,
            group: heads.group(),
            end,
        }
    }

    /// Copies this block's heads out of rows of `stride` numbers.
    pub(super) fn gather(&self, to: &mut Vec<f32>, from: &[f32], key_head: usize, stride: usize, heads: Heads) {
        let wide = wide(heads);
        to.clear();
        for token in self.queries.clone() {
            let group = &from[token * stride + heads.queries_of(key_head)..][..heads.group() * heads.width];
            for head in group.chunks_exact(heads.width) {
                to.extend_from_slice(head);
                to.resize(to.len().next_multiple_of(wide), 0.0);
            }
        }
    }

    /// `scores = queries keysᵀ`, of panels that a row sees at all.
    pub(super) fn against(&self, scores: &mut [f32], queries: &[f32], keys: &Packed, heads: Heads) {
        let (columns, rows, wide) = (self.columns(heads), self.rows(heads), wide(heads));
        let panel = heads.width * COLUMNS;
        let product = |scores: &mut [f32], row: usize, panels: Range<usize>| {
            let left = Left { data: &queries[row * wide..], apart: wide, step: 1 };
            let right = Right { data: &keys.panels[panels.start * panel..], apart: COLUMNS, panel };
            let sizes = Sizes { rows: rows - row, columns: panels.len() * COLUMNS, inner: heads.width };
            multiply_near(scores, columns.apart, Write::Set, left, right, sizes);
        };
        product(scores, 0, self.prefix_panels());
        let before = columns.first_sees - 1;
        // Panels that begin with a key the first row sees; those after it are left out for the rows that see none of them.
        let whole = before / COLUMNS + 1;
        product(&mut scores[columns.own..], 0, self.own_panel..self.own_panel + whole);
        for panel in whole..(columns.end - columns.own) / COLUMNS {
            let row = (panel * COLUMNS - before) * columns.group;
            let place = row * columns.apart + columns.own + panel * COLUMNS;
            product(&mut scores[place..], row, self.own_panel + panel..self.own_panel + panel + 1);
        }
    }

    /// `out = weights heads`, rows of `wide` numbers.
    pub(super) fn weighted(&self, out: &mut [f32], weights: &[f32], packed: &Packed, heads: Heads) {
        let (columns, rows, wide) = (self.columns(heads), self.rows(heads), wide(heads));
        let (prefix, own) = self.places(COLUMNS);
        let right = |place: usize| Right { data: &packed.rows[place..], apart: COLUMNS, panel: packed.count * COLUMNS };
        for row in (0..rows).step_by(STRIP) {
            let count = STRIP.min(rows - row);
            let weights =
                |column: usize| Left { data: &weights[row * columns.apart + column..], apart: columns.apart, step: 1 };
            let out = &mut out[row * wide..];
            let sizes = |inner: usize| Sizes { rows: count, columns: wide, inner };
            let seen = columns.seen(row + count - 1) - columns.own;
            multiply_near(out, wide, Write::Set, weights(columns.own), right(own), sizes(seen));
            if !self.segment.prefix.is_empty() {
                let length = self.segment.prefix.len();
                multiply_near(out, wide, Write::Add, weights(columns.prefix.0), right(prefix), sizes(length));
            }
        }
    }

    /// `d_heads += weightsᵀ upstream`, rows of `wide` numbers from the first of the segments with the same prefix.
    pub(super) fn spread(&self, d_heads: &mut [f32], weights: &[f32], upstream: &[f32], heads: Heads) {
        let (columns, rows, wide) = (self.columns(heads), self.rows(heads), wide(heads));
        let (prefix, own) = self.places(wide);
        let mut product = |place: usize, column: usize, keys: usize, row: usize| {
            let left = Left { data: &weights[row * columns.apart + column..], apart: 1, step: columns.apart };
            let right = Right { data: &upstream[row * wide..], apart: wide, panel: COLUMNS };
            let sizes = Sizes { rows: keys, columns: wide, inner: rows - row };
            multiply_near(&mut d_heads[place..], wide, Write::Add, left, right, sizes);
        };
        if !self.segment.prefix.is_empty() {
            product(prefix, columns.prefix.0, self.segment.prefix.len(), 0);
        }
        product(own, columns.own, columns.first_sees, 0);
        // A key after those is seen from its own token on.
        let sees = self.queries.end - self.segment.own.start;
        for key in (columns.first_sees..sees).step_by(STRIP) {
            let row = (key + 1 - columns.first_sees) * columns.group;
            product(own + key * wide, columns.own + key, STRIP.min(sees - key), row);
        }
    }

    /// Where the prefix's rows and the own ones begin, among rows of so many numbers from the first of the family.
    fn places(&self, numbers: usize) -> (usize, usize) {
        let of = |row: usize| row.saturating_sub(self.first) * numbers;
        (of(self.segment.prefix.start), of(self.segment.own.start))
    }
}

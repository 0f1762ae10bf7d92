use super::{Heads, packed};
use crate::matrix::COLUMNS;

/// Keys and values of the tokens that were read, a row for each, as one step of decoding reads them.
#[derive(Clone, Debug)]
pub struct Cache {
    heads: Heads,
    rows: usize,
    /// Turned, [`COLUMNS`] rows at a time: `[rows / COLUMNS, key heads, width, COLUMNS]`. The scores of neighbouring rows are
    /// neighbours, and none of them is a sum across a register.
    pub(super) keys: Vec<f32>,
    /// `[rows, key heads, width]`, each head's width in whole panels, with zeros at its end.
    pub(super) values: Vec<f32>,
}

impl Cache {
    /// With no rows.
    #[must_use]
    pub fn new(heads: Heads) -> Self {
        Cache { heads, rows: 0, keys: Vec::new(), values: Vec::new() }
    }

    /// With this many rows, of which the first are those there were.
    pub fn grow(&mut self, rows: usize) {
        self.rows = rows;
        self.keys.resize(rows.div_ceil(COLUMNS) * self.keys_apart(), 0.0);
        self.values.resize(rows * self.values_apart(), 0.0);
    }

    /// Keeps the keys and values of each row of `qkv`, in these rows.
    ///
    /// # Panics
    /// If there are fewer rows, or `qkv` has others.
    pub fn keep(&mut self, qkv: &[f32], rows: &[u32]) {
        let heads = self.heads;
        let (width, values_apart) = (heads.width, self.values_apart());
        assert_eq!(qkv.len(), rows.len() * heads.row(), "a row for each place");
        for (qkv, &row) in qkv.chunks_exact(heads.row()).zip(rows) {
            let row = row as usize;
            assert!(row < self.rows, "rows outside the cache");
            for head in 0..heads.key {
                let panel = self.panel(row / COLUMNS, head);
                let panel = self.keys[panel..][..width * COLUMNS].as_chunks_mut::<COLUMNS>().0;
                for (numbers, key) in panel.iter_mut().zip(&qkv[heads.keys_of(head)..][..width]) {
                    numbers[row % COLUMNS] = *key;
                }
                let value = &qkv[heads.values_of(head)..][..width];
                self.values[row * values_apart + head * packed::wide(heads)..][..width].copy_from_slice(value);
            }
        }
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn heads(&self) -> Heads {
        self.heads
    }

    /// Where the keys of a head begin in this panel of rows.
    pub(super) fn panel(&self, panel: usize, head: usize) -> usize {
        panel * self.keys_apart() + head * self.heads.width * COLUMNS
    }

    /// Numbers from one panel of keys to the next.
    pub(super) fn keys_apart(&self) -> usize {
        self.heads.key * self.heads.width * COLUMNS
    }

    /// Numbers from one row of values to the next.
    pub(super) fn values_apart(&self) -> usize {
        self.heads.key * packed::wide(self.heads)
    }
}

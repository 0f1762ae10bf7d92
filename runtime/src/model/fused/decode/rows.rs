//! Which rows of a cache are whose.

use std::ops::Range;

/// Rows are given out in blocks, and come back.
#[derive(Debug, Default)]
pub(in super::super) struct Rows {
    count: usize,
    free: Vec<Range<usize>>,
}

impl Rows {
    pub(super) fn reserve(&mut self, rows: usize) -> Range<usize> {
        // Blocks come back in the sizes they were given out in, which are few.
        if let Some(place) = self.free.iter().position(|block| block.len() == rows) {
            return self.free.swap_remove(place);
        }
        let block = self.count..self.count + rows;
        self.count = block.end;
        block
    }

    pub(super) fn release(&mut self, block: Range<usize>) {
        self.free.push(block);
    }

    /// Rows given out so far.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

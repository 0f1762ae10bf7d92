//! Buffers that are used again: a training step asks for the same sizes as the one before.
//!
//! Batches differ in length, and with them every buffer by the same factor. So a buffer is made as large as the largest batch
//! so far would need it: then each demand of a shorter batch finds the very buffer that the longest one used for it, and memory
//! is what the longest batch needs and no more.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Sizes are rounded up to a multiple of this, so that buffers of nearly the same size are used for each other.
const GRAIN: usize = 16 * 1024;

/// Buffers for one batch after another.
#[derive(Debug, Default)]
pub(super) struct Pool {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The buffers nobody uses, the smallest first.
    free: Vec<Vec<f32>>,
    /// Rows of the batch that is worked on.
    rows: usize,
    /// Rows of the longest so far.
    most: usize,
    /// Buffers that were made so far.
    #[cfg(test)]
    made: usize,
}

/// Numbers that go back to their pool when dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    data: Vec<f32>,
    length: usize,
    pool: Arc<Pool>,
}

impl Pool {
    /// From now on, buffers are for a batch of this many rows.
    pub(super) fn expect(&self, rows: usize) {
        let mut state = self.state();
        state.rows = rows;
        if rows > state.most {
            state.most = rows;
            // They are too small now, and would only lie there.
            state.free.clear();
        }
    }

    /// A buffer of this length, with any numbers in it.
    pub(super) fn take(self: &Arc<Self>, length: usize) -> Buffer {
        self.take_at_most(length, usize::MAX)
    }

    /// The same for what never needs more than so many numbers, however long the batch.
    pub(super) fn take_at_most(self: &Arc<Self>, length: usize, most: usize) -> Buffer {
        let mut state = self.state();
        // As long as it would be for the longest batch: a number of columns times its rows.
        let whole = if state.rows == 0 { length } else { length.div_ceil(state.rows) * state.most };
        let whole = whole.min(most).max(length).next_multiple_of(GRAIN);
        let fits = state.free.partition_point(|data| data.len() < whole);
        let mut data = match state.free.get(fits) {
            // Not a far larger one: somebody else will ask for that.
            Some(found) if found.len() <= whole + whole / 4 => state.free.remove(fits),
            _ => {
                // Of those a little too small, one would never be used again.
                if fits > 0 && state.free[fits - 1].len() >= whole - whole / 4 {
                    state.free.remove(fits - 1);
                }
                #[cfg(test)]
                {
                    state.made += 1;
                }
                vec![0.0; whole]
            }
        };
        if cfg!(debug_assertions) {
            data.fill(f32::NAN);
        }
        Buffer { data, length, pool: Arc::clone(self) }
    }

    /// Buffers that were made so far, each of them an allocation.
    #[cfg(test)]
    pub(super) fn made(&self) -> usize {
        self.state().made
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Buffer {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.data[..self.length]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.data[..self.length]
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let data = std::mem::take(&mut self.data);
        let mut state = self.pool.state();
        let place = state.free.partition_point(|other| other.len() < data.len());
        state.free.insert(place, data);
    }
}

#[cfg(test)]
mod tests {
    use super::{Buffer, GRAIN, Pool};
    use std::sync::Arc;

    /// The demands of a batch: some in proportion to its rows, and one that is not.
    fn demands(pool: &Arc<Pool>, rows: usize) -> Vec<Buffer> {
        pool.expect(rows);
        let lengths = [1, 576, 960, 3072, 576, 1536].map(|columns| columns * rows).into_iter().chain([5, 7 * GRAIN]);
        let taken: Vec<_> = lengths.clone().map(|length| pool.take(length)).collect();
        assert!(taken.iter().zip(lengths).all(|(buffer, length)| buffer.len() == length));
        taken
    }

    fn places(taken: &[Buffer]) -> std::collections::BTreeSet<usize> {
        taken.iter().map(|buffer| buffer.as_ptr() as usize).collect()
    }

    fn held(pool: &Pool) -> usize {
        pool.state().free.iter().map(Vec::len).sum()
    }

    #[test]
    fn shorter_batches_need_no_new_memory() {
        let pool = Arc::new(Pool::default());
        let first = places(&demands(&pool, 900));
        let all = held(&pool);
        for rows in [900, 700, 411, 899, 900] {
            let taken = demands(&pool, rows);
            assert!(places(&taken[..6]).is_subset(&first), "{rows} rows");
        }
        assert!(held(&pool) <= all + 20 * GRAIN, "{} numbers, and {all} at first", held(&pool));
    }

    #[test]
    fn a_longer_batch_leaves_nothing_of_the_shorter_ones() {
        let (pool, fresh) = (Arc::new(Pool::default()), Arc::new(Pool::default()));
        for rows in [300, 500, 501, 900] {
            drop(demands(&pool, rows));
        }
        drop(demands(&fresh, 900));
        assert_eq!(held(&pool), held(&fresh));
    }
}

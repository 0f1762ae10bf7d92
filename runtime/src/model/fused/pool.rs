//! Buffers that are used again: a training step asks for the same sizes as the one before.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

/// Sizes are rounded up to a multiple of this, so that batches of slightly different length share buffers.
const GRAIN: usize = 16 * 1024;

/// Buffers that are free, the smallest first.
#[derive(Debug, Default)]
pub(super) struct Pool {
    free: Mutex<Vec<Vec<f32>>>,
}

/// Numbers that go back to their pool when dropped.
#[derive(Debug)]
pub(super) struct Buffer {
    data: Vec<f32>,
    length: usize,
    pool: Arc<Pool>,
}

impl Pool {
    /// A buffer of this length, with any numbers in it.
    pub(super) fn take(self: &Arc<Self>, length: usize) -> Buffer {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = free.partition_point(|data| data.len() < length);
        let mut data = match free.get(fits) {
            // Not a far larger one: somebody else will ask for that.
            Some(found) if found.len() <= (2 * length).max(GRAIN) => free.remove(fits),
            _ => {
                // Batches have grown: what is too small now would never be used again.
                if fits > 0 {
                    free.remove(fits - 1);
                }
                vec![0.0; length.next_multiple_of(GRAIN)]
            }
        };
        if cfg!(debug_assertions) {
            data.fill(f32::NAN);
        }
        Buffer { data, length, pool: Arc::clone(self) }
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
        let mut free = self.pool.free.lock().unwrap_or_else(PoisonError::into_inner);
        let place = free.partition_point(|other| other.len() < data.len());
        free.insert(place, data);
    }
}

#[cfg(test)]
mod tests {
    use super::{GRAIN, Pool};
    use std::sync::Arc;

    #[test]
    fn the_same_demands_need_no_new_memory() {
        let pool = Arc::new(Pool::default());
        let demand = || {
            let lengths = [10, 3 * GRAIN, 100 * GRAIN, 5];
            let taken: Vec<_> = lengths.iter().map(|&length| pool.take(length)).collect();
            assert!(taken.iter().zip(lengths).all(|(buffer, length)| buffer.len() == length));
            taken.iter().map(|buffer| buffer.as_ptr() as usize).collect::<std::collections::BTreeSet<_>>()
        };
        let first = demand();
        assert_eq!(demand(), first);
        assert_eq!(pool.free.lock().unwrap().len(), 4);
    }

    #[test]
    fn growing_demands_replace_what_is_too_small() {
        let pool = Arc::new(Pool::default());
        for size in 1..20 {
            drop(pool.take(size * GRAIN));
        }
        assert_eq!(pool.free.lock().unwrap().len(), 1);
    }
}

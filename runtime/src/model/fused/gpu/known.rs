//! What was made a short while ago, and is asked for again.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

/// Things that are remembered: more than the lists of one batch.
const MOST: usize = 8;

/// The latest things made, each with what it was made from.
#[derive(Debug)]
pub(super) struct Known<K, V> {
    made: Mutex<VecDeque<(K, Arc<V>)>>,
}

impl<K, V> Default for Known<K, V> {
    fn default() -> Self {
        Known { made: Mutex::default() }
    }
}

impl<K, V> Known<K, V> {
    /// Remembers none of them any more.
    pub(super) fn forget(&self) {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The one that was made from the same, or a new one.
    pub(super) fn find(&self, same: impl Fn(&K) -> bool, make: impl FnOnce() -> (K, V)) -> Arc<V> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, found)) = made.iter().find(|(from, _)| same(from)) {
            return Arc::clone(found);
        }
        let (from, new) = make();
        let new = Arc::new(new);
        if made.len() == MOST {
            made.pop_front();
        }
        made.push_back((from, Arc::clone(&new)));
        new
    }
}

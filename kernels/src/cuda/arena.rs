//! Memory for work that repeats: the same demands in the same order get the same addresses.
//!
//! Blocks are placed by first fit in a stretch that has no end, and freed ones are used again; so a place depends on nothing
//! but the blocks that are held. Real memory is one piece that is as long as was ever needed. What does not fit in it as yet gets
//! memory of its own, and the piece is made longer when nobody holds a block.

use super::Gpu;
use std::collections::BTreeMap;

/// Every block begins at a multiple of this many bytes.
const GRAIN: usize = 256;

/// What memory is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// Written by work on the machine.
    Work,
    /// Filled from the host, at once: before any of the work that is only written down. So it must not be memory that this
    /// work has used before.
    Input,
}

/// Both kinds of memory.
#[derive(Debug, Default)]
pub(super) struct Arena {
    work: Area,
    input: Area,
}

impl Arena {
    pub(super) fn of(&mut self, purpose: Purpose) -> &mut Area {
        match purpose {
            Purpose::Work => &mut self.work,
            Purpose::Input => &mut self.input,
        }
    }

    /// Makes pieces that were too short as long as was needed; answers with how many bytes more are in use.
    pub(super) fn lengthen(&mut self, gpu: &dyn Gpu) -> isize {
        self.work.lengthen(gpu) + self.input.lengthen(gpu)
    }

    /// Gives up the pieces of which nobody holds a block; answers with how many bytes that was. No work that uses them may be
    /// asked for later.
    pub(super) fn give_up(&mut self, gpu: &dyn Gpu) -> usize {
        self.work.give_up(gpu) + self.input.give_up(gpu)
    }
}

/// Blocks by where they begin, and the memory behind them.
#[derive(Debug, Default)]
pub(super) struct Area {
    taken: BTreeMap<usize, usize>,
    /// Where the last block ended at most.
    needed: usize,
    address: u64,
    length: usize,
}

impl Area {
    /// Where a block of this many bytes begins, and its address if it lies within the memory that there is.
    pub(super) fn take(&mut self, bytes: usize) -> (usize, Option<u64>) {
        let bytes = bytes.next_multiple_of(GRAIN);
        let mut at = 0;
        for (&start, &length) in &self.taken {
            if at + bytes <= start {
                break;
            }
            at = start + length;
        }
        self.taken.insert(at, bytes);
        self.needed = self.needed.max(at + bytes);
        (at, (at + bytes <= self.length).then_some(self.address + at as u64))
    }

    /// Lets go of the block that begins there.
    pub(super) fn give_back(&mut self, at: usize) {
        let known = self.taken.remove(&at);
        debug_assert!(known.is_some(), "a block that was taken");
    }

    fn lengthen(&mut self, gpu: &dyn Gpu) -> isize {
        if !self.taken.is_empty() || self.needed <= self.length {
            return 0;
        }
        let before = self.give_up(gpu);
        // Where there is not enough, every block gets memory of its own, or is refused when it is asked for.
        if let Ok(address) = gpu.allocate(self.needed) {
            (self.address, self.length) = (address, self.needed);
        }
        self.length as isize - before as isize
    }

    #[allow(unsafe_code)]
    fn give_up(&mut self, gpu: &dyn Gpu) -> usize {
        if !self.taken.is_empty() || self.length == 0 {
            return 0;
        }
        // SAFETY: it was allocated above with this length; nobody holds a part of it, nor will ask for work on it.
        unsafe { gpu.free(self.address, self.length) };
        std::mem::take(&mut self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::{Area, GRAIN};

    #[test]
    fn places_depend_on_the_blocks_that_are_held_and_nothing_else() {
        let mut area = Area::default();
        let demands = |area: &mut Area| {
            let [a, b, c] = [1, 2 * GRAIN, GRAIN].map(|bytes| area.take(bytes).0);
            area.give_back(b);
            let [d, e, f] = [GRAIN + 1, 3, 4].map(|bytes| area.take(bytes).0);
            for at in [d, a, c, f, e] {
                area.give_back(at);
            }
            [a, b, c, d, e, f]
        };
        let first = demands(&mut area);
        // The second's place is used again, by what fits; the first gap is the one that is taken.
        assert_eq!(first, [0, GRAIN, 3 * GRAIN, GRAIN, 4 * GRAIN, 5 * GRAIN]);
        assert_eq!(demands(&mut area), first);
        let held = area.take(GRAIN).0;
        assert_ne!(demands(&mut area), first);
        area.give_back(held);
        assert_eq!(demands(&mut area), first);
    }
}

//! Work that is asked for again and again: recorded once, and then started as one piece.
//!
//! Between the beginning and the end of such work nothing runs: what is asked for is written down. If the list is the same as the
//! last time, to the last address and number, the machine makes one piece of it and runs that from then on; if it is not, it
//! runs step by step as ever. So nothing that has changed can be missed. The lists agree because the work gets the same
//! memory every time, in the order in which it asks; that memory is its own for good, and what stands there is good until the
//! same work is done again.

use super::{Argument, Gpu, Launch, Stream, matrix::ColumnMajor};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

/// Kinds of work that are remembered at once.
const MOST: usize = 8;

/// One step of work on a GPU.
#[derive(Clone, PartialEq, Debug)]
pub enum Work {
    /// A kernel.
    Launch {
        /// As in [`Launch`].
        kernel: String,
        /// As in [`Launch`].
        grid: [u32; 3],
        /// As in [`Launch`].
        threads: u32,
        /// As in [`Launch`].
        shared: u32,
        /// As in [`Launch`].
        arguments: Vec<Argument>,
    },
    /// A product of matrices.
    Multiply(ColumnMajor),
    /// Bytes copied within the machine.
    Copy {
        /// Where they go.
        to: u64,
        /// Where they are.
        from: u64,
        /// How many.
        bytes: usize,
    },
    /// Bytes set to zero.
    Clear {
        /// Where they are.
        at: u64,
        /// How many.
        bytes: usize,
    },
}

impl Work {
    /// Asks for it now.
    ///
    /// # Errors
    /// If the machine refuses.
    ///
    /// # Safety
    /// As the methods of [`Gpu`].
    #[allow(unsafe_code)]
    pub unsafe fn start(&self, gpu: &dyn Gpu) -> Result<(), String> {
        match self {
            Work::Launch { kernel, grid, threads, shared, arguments } => {
                let launch = Launch { kernel, grid: *grid, threads: *threads, shared: *shared, arguments };
                // SAFETY: the caller's promise, here and below.
                unsafe { gpu.launch(&launch) }.map_err(|e| format!("{kernel}: {e}"))
            }
            Work::Multiply(product) => {
                // SAFETY: as above.
                unsafe { gpu.multiply(product) }.map_err(|e| format!("a product of matrices: {e}"))
            }
            // SAFETY: as above.
            Work::Copy { to, from, bytes } => unsafe { gpu.copy(*to, *from, *bytes) },
            // SAFETY: as above.
            Work::Clear { at, bytes } => unsafe { gpu.clear(*at, *bytes) },
        }
    }
}

/// One kind of work: its memory, and what was asked for the last time.
#[derive(Debug, Default)]
pub(super) struct Region {
    /// Address and size, in the order in which they are asked for.
    memory: Vec<(u64, usize)>,
    /// How many were asked for so far.
    given: usize,
    asked: Vec<Work>,
    before: Vec<Work>,
    recording: Option<u64>,
}

impl Region {
    pub(super) fn ask(&mut self, work: Work) {
        self.asked.push(work);
    }

    /// The memory that it had at this point the last time, if that has the size; and how many bytes more are in use now.
    #[allow(unsafe_code)]
    pub(super) fn allocate(&mut self, gpu: &dyn Gpu, bytes: usize) -> Result<(u64, isize), String> {
        let mut more = 0;
        match self.memory.get(self.given) {
            Some(&(_, size)) if size == bytes => {}
            Some(_) => {
                // Another sequence of demands: from here on nothing fits.
                for (address, size) in self.memory.drain(self.given..) {
                    more -= size as isize;
                    // SAFETY: it was allocated below with this size; the work that used it is over, and will not be replayed:
                    // an address of its list has changed.
                    unsafe { gpu.free(address, size) };
                }
            }
            None => {}
        }
        if self.memory.len() == self.given {
            self.memory.push((gpu.allocate(bytes)?, bytes));
            more += bytes as isize;
        }
        self.given += 1;
        Ok((self.memory[self.given - 1].0, more))
    }

    /// Runs what was asked for.
    #[allow(unsafe_code)]
    fn finish(&mut self, gpu: &dyn Gpu) -> Result<(), String> {
        if self.asked == self.before {
            let recording = match self.recording {
                Some(recording) => recording,
                // SAFETY: the views that this was made from were of memory that is allocated, and only the work's own has been
                // given up since, which is the region's.
                None => *self.recording.insert(unsafe { gpu.record(&self.asked) }?),
            };
            // SAFETY: as above; the addresses are those that were asked for just now.
            return unsafe { gpu.replay(recording) };
        }
        if let Some(old) = self.recording.take() {
            gpu.forget(old);
        }
        self.before = std::mem::take(&mut self.asked);
        // SAFETY: as above.
        self.before.iter().try_for_each(|work| unsafe { work.start(gpu) })
    }

    /// Gives everything back; answers with how many bytes.
    #[allow(unsafe_code)]
    fn end(self, gpu: &dyn Gpu) -> usize {
        if let Some(recording) = self.recording {
            gpu.forget(recording);
        }
        // SAFETY: allocated above with these sizes, and nobody replays what used it.
        self.memory.iter().for_each(|&(address, size)| unsafe { gpu.free(address, size) });
        self.memory.iter().map(|&(_, size)| size).sum()
    }
}

/// Kinds of work that repeat, on one stream.
#[derive(Debug)]
pub struct Repeats {
    stream: Stream,
    /// The latest last.
    regions: Mutex<VecDeque<(usize, Region)>>,
}

impl Repeats {
    /// None so far.
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        Repeats { stream, regions: Mutex::default() }
    }

    /// Does work of a kind, which `key` tells from others. Numbers made in it stay until work of this kind is done again,
    /// however long they are held; nothing may be downloaded in it, and nobody else may use the stream meanwhile.
    ///
    /// # Panics
    /// If it is begun inside of other such work.
    pub fn run<T>(&self, key: usize, work: impl FnOnce() -> T) -> T {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = regions.iter().position(|(of, _)| *of == key).and_then(|place| regions.remove(place));
        let mut region = known.map_or_else(Region::default, |(_, region)| region);
        region.given = 0;
        region.asked.clear();
        self.stream.open(region);
        let result = work();
        let mut region = self.stream.close();
        self.stream.attempt(|gpu| region.finish(gpu));
        regions.push_back((key, region));
        if regions.len() > MOST
            && let Some((_, oldest)) = regions.pop_front()
        {
            self.stream.given_back(|gpu| oldest.end(gpu));
        }
        result
    }
}

impl Drop for Repeats {
    fn drop(&mut self) {
        for (_, region) in std::mem::take(self.regions.get_mut().unwrap_or_else(PoisonError::into_inner)) {
            self.stream.given_back(|gpu| region.end(gpu));
        }
    }
}

//! Work that is asked for again and again: recorded once, and then started as one piece.
//!
//! Between the beginning and the end of such work nothing runs: what is asked for is written down. If the list is the same as
//! one before, to the last address and number, the machine makes one piece of it and runs that from then on; if it is not, it
//! runs step by step as ever. So nothing that has changed can be missed. The lists agree because the same demands for memory
//! get the same places (`arena.rs`); what comes from the host goes to memory that nothing in the list writes.

use super::{Argument, Gpu, Launch, Stream, matrix::ColumnMajor};
use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, PoisonError},
};

/// Lists that are remembered at once. A list that is not seen again for as many others is forgotten.
const MOST: usize = 64;

/// One step of work on a GPU.
#[derive(Clone, PartialEq, Hash, Debug)]
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

/// A list of work, and the piece that was made of it.
#[derive(Debug)]
struct Known {
    hash: u64,
    work: Vec<Work>,
    recording: Option<u64>,
}

/// Work that repeats, on one stream.
#[derive(Debug)]
pub struct Repeats {
    stream: Stream,
    /// The latest last.
    known: Mutex<VecDeque<Known>>,
}

impl Repeats {
    /// None so far.
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        Repeats { stream, known: Mutex::default() }
    }

    /// Does work that may be the same another time. Nothing may be downloaded or replaced in it, and nobody else may use the
    /// stream meanwhile.
    ///
    /// # Panics
    /// If it is begun inside of other such work.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        self.stream.open();
        let result = work();
        self.stream.close(|gpu, work| self.finish(gpu, work));
        result
    }

    /// Does what was asked for.
    #[allow(unsafe_code)]
    fn finish(&self, gpu: &dyn Gpu, work: Vec<Work>) -> Result<(), String> {
        if work.is_empty() {
            return Ok(());
        }
        let mut hasher = DefaultHasher::new();
        work.hash(&mut hasher);
        let hash = hasher.finish();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let place = known.iter().position(|known| known.hash == hash && known.work == work);
        let Some(mut same) = place.and_then(|place| known.remove(place)) else {
            // SAFETY: the views that this was made from were of memory that is allocated, and is given back only when it has
            // been asked for.
            work.iter().try_for_each(|work| unsafe { work.start(gpu) })?;
            known.push_back(Known { hash, work, recording: None });
            if known.len() > MOST
                && let Some(Known { recording: Some(oldest), .. }) = known.pop_front()
            {
                gpu.forget(oldest);
            }
            return Ok(());
        };
        let recording = match same.recording {
            Some(recording) => recording,
            // SAFETY: as above.
            None => *same.recording.insert(unsafe { gpu.record(&same.work) }?),
        };
        known.push_back(same);
        // SAFETY: as above; the addresses are those that were asked for just now.
        unsafe { gpu.replay(recording) }
    }
}

impl Drop for Repeats {
    fn drop(&mut self) {
        let known = std::mem::take(self.known.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.stream.no_more(known.into_iter().filter_map(|known| known.recording));
    }
}

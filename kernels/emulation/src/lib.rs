//! The kernels for a GPU, run on the host: for tests, and far too slow for anything else.
//!
//! The `.cu` sources are compiled as C++ behind a header that gives CUDA's names a meaning: a block's threads take turns
//! between barriers in an order that is chosen here. What a race between threads would change, another order changes; a
//! barrier that not all threads reach, a write outside of shared memory or of an allocation, and a read of what was never
//! written are noticed as well. Kernels that are written as a test runs are compiled and loaded then.

#[allow(unsafe_code)]
mod launch;
#[allow(unsafe_code)]
mod made;
#[allow(unsafe_code)]
mod memory;
mod product;

use collimate_kernels::cuda::{Gpu, Launch, Stream, Work, matrix::ColumnMajor};
use memory::Memory;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

/// In which order threads and blocks take their turns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// The first first.
    Forward,
    /// The last first.
    Reverse,
    /// Any, another at every turn; the same for the same seed.
    Shuffled(u16),
}

impl Order {
    /// Some of each.
    pub const ALL: [Order; 4] = [Order::Forward, Order::Reverse, Order::Shuffled(1), Order::Shuffled(2)];
}

/// The machine that tests run on: an emulated GPU, or, where the variable `COLLIMATE_GPU` gives the number of one, a real
/// GPU, on which the order of threads is its own affair.
///
/// # Panics
/// If that GPU cannot be used.
#[must_use]
pub fn machine(order: Order) -> Stream {
    match std::env::var("COLLIMATE_GPU") {
        Ok(number) => real(&number),
        Err(_) => Stream::new(Emulated::new(order)),
    }
}

#[cfg(feature = "cuda")]
fn real(number: &str) -> Stream {
    use collimate_kernels::cuda::Device;
    // Entering a GPU, starting cuBLAS on it and loading kernels take about a second; tests ask for a machine some hundred times.
    static DEVICE: Mutex<Option<Arc<Device>>> = Mutex::new(None);
    let mut device = DEVICE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let device = device.get_or_insert_with(|| {
        let number = number.parse().expect("COLLIMATE_GPU is the number of a GPU");
        Arc::new(Device::new(number).unwrap_or_else(|problem| panic!("{problem}")))
    });
    Stream::on(Arc::<Device>::clone(device))
}

#[cfg(not(feature = "cuda"))]
fn real(number: &str) -> Stream {
    panic!("COLLIMATE_GPU is {number}, but this build has no CUDA: build it with --features cuda")
}

/// A machine that can do what a GPU can.
#[derive(Debug)]
pub struct Emulated {
    order: Order,
    memory: Mutex<Memory>,
    recorded: Mutex<Vec<Option<Vec<Work>>>>,
    replays: Arc<AtomicUsize>,
}

impl Emulated {
    /// With no memory in use.
    #[must_use]
    pub fn new(order: Order) -> Self {
        Emulated { order, memory: Mutex::default(), recorded: Mutex::default(), replays: Arc::default() }
    }

    /// How often a recorded piece of work was replayed, now and later.
    #[must_use]
    pub fn replays(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.replays)
    }

    /// Is every byte around the allocations as it was?
    ///
    /// # Errors
    /// Says what was written outside.
    ///
    /// # Panics
    /// If a thread panicked while it used the memory.
    pub fn intact(&self) -> Result<(), String> {
        self.memory.lock().expect("no thread panicked here").intact()
    }
}

#[allow(unsafe_code)]
impl Gpu for Emulated {
    fn allocate(&self, bytes: usize) -> Result<u64, String> {
        Ok(self.memory.lock().expect("no thread panicked here").allocate(bytes))
    }

    unsafe fn free(&self, address: u64, bytes: usize) {
        self.memory.lock().expect("no thread panicked here").free(address, bytes);
    }

    unsafe fn upload(&self, to: u64, bytes: &[u8]) -> Result<(), String> {
        self.memory.lock().expect("no thread panicked here").write(to, bytes)
    }

    unsafe fn download(&self, to: &mut [u8], from: u64) -> Result<(), String> {
        let memory = self.memory.lock().expect("no thread panicked here");
        to.copy_from_slice(memory.read(from, to.len())?);
        Ok(())
    }

    unsafe fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<(), String> {
        let mut memory = self.memory.lock().expect("no thread panicked here");
        let bytes = memory.read(from, bytes)?.to_vec();
        memory.write(to, &bytes)
    }

    unsafe fn clear(&self, at: u64, bytes: usize) -> Result<(), String> {
        self.memory.lock().expect("no thread panicked here").write(at, &vec![0; bytes])
    }

    fn provide(&self, name: &str, text: &str) -> Result<(), String> {
        made::provide(name, text)
    }

    unsafe fn launch(&self, launch: &Launch<'_>) -> Result<(), String> {
        // SAFETY: the caller's promise.
        unsafe { launch::launch(launch, self.order) }?;
        self.intact()
    }

    unsafe fn multiply(&self, product: &ColumnMajor) -> Result<(), String> {
        product::multiply(&mut self.memory.lock().expect("no thread panicked here"), product)
    }

    unsafe fn record(&self, work: &[Work]) -> Result<u64, String> {
        let mut recorded = self.recorded.lock().expect("no thread panicked here");
        recorded.push(Some(work.to_vec()));
        Ok(recorded.len() as u64 - 1)
    }

    unsafe fn replay(&self, recording: u64) -> Result<(), String> {
        let recorded = self.recorded.lock().expect("no thread panicked here")[recording as usize].clone();
        self.replays.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        recorded.ok_or("a recording that was forgotten")?.iter().try_for_each(|work| unsafe { work.start(self) })
    }

    fn forget(&self, recording: u64) {
        self.recorded.lock().expect("no thread panicked here")[recording as usize] = None;
    }
}

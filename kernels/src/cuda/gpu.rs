//! What a machine must be able to do for the kernels to run on it.

use super::{matrix::ColumnMajor, repeat::Work};
use std::{
    fmt::Debug,
    hash::{Hash, Hasher},
};

/// An argument of a kernel.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Argument {
    /// Where numbers lie.
    Address(u64),
    /// A count or a size.
    U32(u32),
    /// A count of numbers that may be large.
    U64(u64),
    /// A number to compute with.
    F32(f32),
}

impl Hash for Argument {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        self.bits().hash(state);
    }
}

impl Argument {
    /// As a kernel reads it: from where its bytes begin, as many as its type has.
    #[must_use]
    pub fn bits(self) -> u64 {
        match self {
            Argument::Address(address) => address,
            Argument::U32(number) => u64::from(number),
            Argument::U64(number) => number,
            Argument::F32(number) => u64::from(number.to_bits()),
        }
    }
}

/// A kernel with all that it needs.
#[derive(Clone, Debug)]
pub struct Launch<'a> {
    /// Its name; that of its source is a prefix.
    pub kernel: &'a str,
    /// Blocks along the three sides of the grid; none of them is 0.
    pub grid: [u32; 3],
    /// Threads of a block, along one side.
    pub threads: u32,
    /// Bytes that the threads of a block share.
    pub shared: u32,
    /// In the kernel's order.
    pub arguments: &'a [Argument],
}

/// A GPU, or what stands for one. Work is done in the order in which it is asked for, and may go on when a call has returned;
/// [`Gpu::download`] waits for it.
///
/// Errors are a sentence that says what failed.
pub trait Gpu: Debug + Send + Sync {
    /// Memory with anything in it; its address is a multiple of 256.
    ///
    /// # Errors
    /// If there is not enough.
    fn allocate(&self, bytes: usize) -> Result<u64, String>;

    /// Gives memory back, once the work asked for so far is done.
    ///
    /// # Safety
    /// It was allocated here with this size, and nothing asked for later uses it.
    #[allow(unsafe_code)]
    unsafe fn free(&self, address: u64, bytes: usize);

    /// Copies from the host.
    ///
    /// # Errors
    /// If the machine refuses.
    ///
    /// # Safety
    /// As many bytes are allocated there.
    #[allow(unsafe_code)]
    unsafe fn upload(&self, to: u64, bytes: &[u8]) -> Result<(), String>;

    /// Copies to the host, and waits until it is done.
    ///
    /// # Errors
    /// If this or anything before it failed on the machine.
    ///
    /// # Safety
    /// As many bytes are allocated there.
    #[allow(unsafe_code)]
    unsafe fn download(&self, to: &mut [u8], from: u64) -> Result<(), String>;

    /// Copies within the machine.
    ///
    /// # Errors
    /// If the machine refuses.
    ///
    /// # Safety
    /// As many bytes are allocated at both places, which do not overlap.
    #[allow(unsafe_code)]
    unsafe fn copy(&self, to: u64, from: u64, bytes: usize) -> Result<(), String>;

    /// Sets bytes to zero.
    ///
    /// # Errors
    /// If the machine refuses.
    ///
    /// # Safety
    /// As many bytes are allocated there.
    #[allow(unsafe_code)]
    unsafe fn clear(&self, at: u64, bytes: usize) -> Result<(), String>;

    /// Makes a kernel known that is none of [`super::SOURCES`]: its name, and its source, which comes behind [`super::COMMON`]. It is
    /// compiled when it is needed.
    ///
    /// # Errors
    /// If another source has that name.
    fn provide(&self, name: &str, text: &str) -> Result<(), String>;

    /// Runs a kernel.
    ///
    /// # Errors
    /// If there is no such kernel, it cannot be compiled, or the machine refuses.
    ///
    /// # Safety
    /// The arguments are those of the kernel, and it stays inside the memory it is given.
    #[allow(unsafe_code)]
    unsafe fn launch(&self, launch: &Launch<'_>) -> Result<(), String>;

    /// A product of matrices as BLAS defines it.
    ///
    /// # Errors
    /// If the machine refuses.
    ///
    /// # Safety
    /// The matrices lie in allocated memory, and the result overlaps neither operand.
    #[allow(unsafe_code)]
    unsafe fn multiply(&self, product: &ColumnMajor) -> Result<(), String>;

    /// Makes one piece of some work, without doing it.
    ///
    /// # Errors
    /// If the machine refuses.
    ///
    /// # Safety
    /// All that it names is allocated now.
    #[allow(unsafe_code)]
    unsafe fn record(&self, work: &[Work]) -> Result<u64, String>;

    /// Does all of a recorded piece.
    ///
    /// # Errors
    /// If the machine refuses.
    ///
    /// # Safety
    /// It was recorded here and is not forgotten, and what is said of the work that it is made of holds now.
    #[allow(unsafe_code)]
    unsafe fn replay(&self, recording: u64) -> Result<(), String>;

    /// Gives a recorded piece up.
    fn forget(&self, recording: u64);
}

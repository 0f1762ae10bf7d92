//! The kernels for a GPU: twins of those for the CPU, as CUDA C++ beside the code that launches them.
//!
//! Each `.cu` is compiled behind `common.cuh`. What launches a kernel is written once against the trait [`Gpu`]: a real GPU
//! is one (`Device`, in builds with the feature `cuda`), and an emulation of blocks, threads and barriers on the
//! host is another, on which the tests run every kernel. So sizes of grids, arguments and the order of launches are tested
//! along with the kernels.
//!
//! Those for a formula over all words ([`region`]) are written when the formula is known, and compiled behind `common.cuh` too.
//!
//! Numbers are stored as f32 or bf16, and computed with as f32. A weight's gradient and what a row keeps for its backward
//! pass are f32 always. Every result is the same from run to run: nothing is added up by atomic operations.
//!
//! Memory belongs to a [`Stream`], on which one piece of work follows another. What goes wrong there (too little memory, a
//! kernel that a machine refuses) is kept by the stream, which then does nothing more: [`Stream::check`] tells.

pub mod adamw;
pub mod attention;
pub mod bias;
pub mod cast;
pub mod decoding;
pub mod embedding;
pub mod head;
pub mod head_norm;
pub mod magnitude;
pub mod matrix;
pub mod region;
pub mod rms_norm;
pub mod rotary;
pub mod sampling;
pub mod swiglu;

mod arena;
#[cfg(feature = "cuda")]
mod device;
mod gpu;
mod images;
#[cfg(feature = "cuda")]
#[allow(unsafe_code)]
mod library;
mod numbers;
mod repeat;
mod stream;

#[cfg(feature = "cuda")]
pub use device::Device;
pub use gpu::{Argument, Gpu, Launch};
pub use images::Images;
pub use numbers::{Element, Numbers, View, ViewMut};
pub use repeat::{Repeats, Work};
pub use stream::Stream;

/// What stands before every source.
pub const COMMON: &str = include_str!("common.cuh");

/// The sources by the word that the names of their kernels begin with.
pub const SOURCES: [(&str, &str); 14] = [
    ("adamw", include_str!("adamw.cu")),
    ("attention", include_str!("attention.cu")),
    ("bias", include_str!("bias.cu")),
    ("cast", include_str!("cast.cu")),
    ("decoding", include_str!("decoding.cu")),
    ("embedding", include_str!("embedding.cu")),
    ("head", include_str!("head.cu")),
    ("head_norm", include_str!("head_norm.cu")),
    ("magnitude", include_str!("magnitude.cu")),
    ("rms_norm", include_str!("rms_norm.cu")),
    ("rotary", include_str!("rotary.cu")),
    ("sampling", include_str!("sampling.cu")),
    ("swiglu", include_str!("swiglu.cu")),
    ("tensor", include_str!("tensor.cu")),
];

/// The source that has the kernel of this name, and its own name, which is the longest that the kernel's begins with.
#[cfg(any(feature = "cuda", test))]
fn source_of(kernel: &str) -> Option<(&'static str, &'static str)> {
    let begins = |(source, _): &&(&str, &str)| kernel.strip_prefix(source).is_some_and(|rest| rest.starts_with('_'));
    SOURCES.iter().filter(begins).max_by_key(|(source, _)| source.len()).copied()
}

/// Threads of a block that works number by number or row by row.
const THREADS: u32 = 256;

/// Shared memory for sums over a block, in bytes.
const SUMS: u32 = 32 * 4;

/// Blocks of [`THREADS`] for this many numbers.
fn blocks(numbers: usize) -> [u32; 3] {
    [size(numbers.div_ceil(THREADS as usize)), 1, 1]
}

/// A count rounded up, so that batches of nearly the same size have the same: to an eighth of its size while that is less
/// than 128, which products compute in one tile, and to a thirty-second of it where it is large.
#[must_use]
pub fn bucket(count: usize) -> usize {
    let size = count.checked_ilog2().map_or(0, |bits| 1 << bits);
    count.next_multiple_of((size / 8).clamp(8, 128).max(size / 32))
}

/// How many numbers a thread takes of rows of this width, eight or one, and the argument that says so.
fn eights(width: usize, views: &[View<'_>]) -> (usize, Argument) {
    let all = width.is_multiple_of(8) && views.iter().all(|view| view.address().is_multiple_of(16));
    (if all { 8 } else { 1 }, Argument::U32(u32::from(all)))
}

/// A number as a kernel takes it.
///
/// # Panics
/// If it is too large: no model or batch is.
fn size(number: usize) -> u32 {
    u32::try_from(number).expect("fewer than 2^32 rows, columns and blocks")
}

#[cfg(test)]
mod tests {
    use super::{SOURCES, bucket, source_of};

    #[test]
    fn every_kernel_is_found_in_its_source() {
        for (name, source) in SOURCES {
            // As they are declared: by a macro, at the beginning of a line or in one of several.
            let declared = source.split("KERNEL(").skip(1).filter_map(|rest| rest.split([',', '#']).next());
            let mut declared = declared.filter(|kernel| !kernel.contains(' ')).peekable();
            assert!(declared.peek().is_some(), "{name} has no kernel");
            for kernel in declared {
                assert_eq!(source_of(kernel).map(|(found, _)| found), Some(name), "{kernel}");
            }
        }
        assert_eq!(source_of("head_norm_forward_f32").unwrap().0, "head_norm");
        assert_eq!((source_of("headless"), source_of("head")), (None, None));
    }

    #[test]
    fn buckets_are_few_and_near() {
        assert_eq!([0, 1, 8, 9, 100, 1000, 5000, 20_000].map(bucket), [0, 8, 8, 16, 104, 1024, 5120, 20_480]);
        for count in 64..40_000 {
            let found = bucket(count);
            assert!(found >= count && found <= bucket(count + 1) && bucket(found) == found, "{count}: {found}");
            assert!(found - count <= (count / 8).min(128).max(count / 32), "{count}: {found}");
        }
    }
}

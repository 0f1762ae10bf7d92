//! The numeric kernels of Collimate: f32 slices in, f32 slices out, on all cores of the CPU.
//!
//! | module | computes |
//! |---|---|
//! | [`matrix`] | products `C = A B`, with any of the three transposed or strided, set or added |
//! | [`rms_norm`] | `x / rms(x) * weight`, row by row |
//! | [`head_norm`] | the same for each head of queries and keys |
//! | [`bias`] | a vector added to every row |
//! | [`rotary`] | rotary position embedding of queries and keys |
//! | [`swiglu`] | `silu(gate) * up` |
//! | [`attention`] | causal attention with grouped queries over sequences laid one after another; one step over a cache |
//! | [`embedding`] | rows of a table by number |
//! | [`head`] | log-probability of one word for each row, without a `[rows, words]` matrix |
//! | [`region`] | sums over all words of any element-wise formula of policies' log-probabilities, without that matrix |
//! | [`softmax`] | weights of a choice among words |
//! | [`adamw`] | Adam with decoupled weight decay |
//! | [`stored`] | weights in bf16, and from and to them |
//! | [`magnitude`] | sum of squares, in f64 |
//! | [`memory`] | nothing; it says where freed memory goes, and in which pages memory comes |
//! | [`cuda`] | all of these on a GPU |
//!
//! Each is a folder: `mod.rs` says what it means, `reference.rs` is slow and obviously right, `cpu.rs` is fast; the tests
//! hold the two together. Shapes are checked with `assert!`: a wrong one is a mistake of the caller.
//!
//! Matrices are row-major. Results do not change from run to run: work is cut at fixed places and sums are taken in a
//! fixed order. Only [`matrix`] may give other last digits on a machine with other caches or vector instructions.

pub mod adamw;
pub mod attention;
pub mod bias;
pub mod cuda;
pub mod embedding;
pub mod head;
pub mod head_norm;
pub mod magnitude;
pub mod matrix;
pub mod memory;
pub mod region;
pub mod rms_norm;
pub mod rotary;
pub mod softmax;
pub mod stored;
pub mod swiglu;

mod ahead;
mod exp;
mod logarithm;
mod scatter;
mod task;
mod vector;

#[cfg(test)]
mod check;

//! Collimate's runtime: the language model, its data, training, and the bridge to dfdx.

pub mod chat;
pub mod checkpoint;
pub mod compile;
pub mod data;
pub mod device;
pub mod metric;
pub mod model;
pub mod random;
pub mod report;
pub mod reward;
pub mod sample;
pub mod score;
pub mod tokenizer;
pub mod train;

mod bridge;
mod bytes;
mod error;

pub use checkpoint::disk::write_whole;
pub use collimate_kernels::memory::give_back_large_blocks;
/// The device that needs nothing but a processor.
pub use dfdx::prelude::Cpu;
pub use error::{Error, Result};

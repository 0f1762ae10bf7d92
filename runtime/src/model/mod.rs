//! The language model: a decoder of the Llama family, in two engines that agree.

mod config;
mod engine;
mod sequences;
mod weights;

pub use config::ModelConfig;
pub use engine::{Engine, Live};
pub use sequences::{Sequences, Span};
pub use weights::{Parameters, TensorSpec, Weights};

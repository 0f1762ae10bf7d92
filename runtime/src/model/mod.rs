//! The language model: a decoder of the Llama family, in two engines that agree.

mod config;
mod engine;
mod expo;
mod family;
mod folder;
pub(crate) mod fused;
mod graph;
mod head;
pub(crate) mod low_rank;
#[cfg(test)]
mod reference;
mod sequences;
#[cfg(test)]
mod values;
mod weights;
#[cfg(test)]
mod words;

pub use config::{ModelConfig, RotaryScaling};
pub use engine::{Engine, GivesStates, HeadApart, Live, TrainsInPlace, Trunk};
pub use family::Family;
pub(crate) use folder::header;
pub use folder::{Folder, Precision};
pub use fused::{FusedEngine, FusedOptions, GpuEngine, GpuSampler, WordStates};
pub(crate) use fused::{Pass, Unfound};
pub use graph::GraphEngine;
pub use low_rank::LowRank;
pub use sequences::{Sequences, Span, ValuesAt};
pub use weights::{Parameters, TensorSpec, Weights};

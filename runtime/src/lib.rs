//! Collimate's runtime: the language model, its data, training, and the bridge to dfdx.

pub mod data;
pub mod model;
pub mod random;
pub mod tokenizer;

mod bridge;
mod error;

pub use error::{Error, Result};

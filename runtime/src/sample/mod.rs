//! Generation: prompts are continued token by token, many at once.
//!
//! - A prompt is read once for all its samples, which share its keys and values.
//! - A sequence that has ended leaves the batch, and the next one takes its place.
//! - Every sample has random numbers of its own, drawn from the seed, the prompt's number and the sample's number. What it
//!   becomes does not depend on what is generated beside it (but for rounding, where two words are all but equally near).

mod choose;
mod generate;
mod sampler;
pub(crate) mod server;
mod settings;
#[cfg(test)]
mod tests;

pub(crate) use choose::{Choice, choose};
pub(crate) use generate::continued;
pub use generate::{Progress, Sample, generate};
pub use sampler::{BuiltIn, Sampler};
pub use server::Server;
pub use settings::Sampling;

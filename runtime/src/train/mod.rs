//! Training: one program, one model, many steps.

mod folder;
mod observer;
mod optimizer;
mod schedule;
mod settings;
#[cfg(test)]
pub(crate) mod small;

pub use folder::RunFolder;
pub use observer::{Observer, Plan};
pub use optimizer::{AdamW, Update, length, shortened};
pub use schedule::factor;
pub use settings::{EngineKind, RunSettings, Schedule};

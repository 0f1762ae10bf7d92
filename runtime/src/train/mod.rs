//! Training: one program, one model, many steps.

mod asked;
#[cfg(test)]
mod bigram;
mod copy;
mod draw;
mod folder;
mod hyper;
mod keeper;
mod learner;
mod observer;
mod online;
mod optimizer;
mod run;
mod schedule;
mod settings;
#[cfg(test)]
pub(crate) mod small;
mod start;
mod stored;
mod trainee;
mod whole_words;

pub use draw::{Answer, DrawSettings, Reward};
pub use folder::RunFolder;
pub use hyper::resolve;
pub use observer::{Observer, Plan};
pub use optimizer::{AdamW, Update, length, shortened};
pub use run::{Job, Trained, run};
pub use schedule::factor;
pub use settings::{Dtype, EngineKind, RunSettings, Schedule};

#[cfg(test)]
mod tests;

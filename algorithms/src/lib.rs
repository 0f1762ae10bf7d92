//! A typed, embedded language for alignment algorithms that trains real language models.
//!
//! One file here is one algorithm: its paper, its formula, its hyper-parameters. The folders are by what the
//! algorithm learns from.
#![forbid(unsafe_code)]
// The attribute macros write `::collimate::…`, here too.
extern crate self as collimate;

use std::sync::LazyLock;

pub mod cli;
pub mod distillation;
pub mod measure;
pub mod policy_gradient;
pub mod preference;
pub mod reward_model;
pub mod rewards;
pub mod rpo;
pub mod sandbox;
pub mod steering;
pub mod supervised;
pub mod unpaired;

#[cfg(test)]
mod given;

pub use collimate_dsl::*;
pub use distillation::*;
pub use policy_gradient::*;
pub use preference::*;
pub use reward_model::*;
pub use rpo::*;
pub use supervised::*;
pub use unpaired::*;

/// Every algorithm of this crate.
pub static ALL: LazyLock<Vec<&'static Algorithm>> = LazyLock::new(|| {
    [
        supervised::ALL,
        preference::ALL,
        unpaired::ALL,
        rpo::ALL,
        policy_gradient::ALL,
        reward_model::ALL,
        distillation::ALL,
    ]
    .concat()
});

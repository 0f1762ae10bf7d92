//! A typed, embedded language for alignment algorithms that trains real language models.
//!
//! One file here is one algorithm: its paper, its formula, its hyper-parameters. The folders are by what the
//! algorithm learns from.
#![forbid(unsafe_code)]
// The attribute macros write `::collimate::…`, here too.
extern crate self as collimate;

use std::sync::LazyLock;

pub mod cli;
pub mod preference;
pub mod rpo;
pub mod sandbox;
pub mod supervised;

#[cfg(test)]
mod given;

pub use collimate_dsl::*;
pub use preference::{dpo, ipo, simpo};
pub use rpo::{rpo_bwd, rpo_fwd, rpo_sq};
pub use supervised::sft;

/// Every algorithm of this crate.
pub static ALL: LazyLock<Vec<&'static Algorithm>> =
    LazyLock::new(|| [supervised::ALL, preference::ALL, rpo::ALL].concat());

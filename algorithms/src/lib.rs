//! A typed, embedded language for alignment algorithms that trains real language models.
//!
//! One file here is one algorithm: its paper, its formula, its hyper-parameters. The folders are by what the
//! algorithm learns from.
#![forbid(unsafe_code)]
// The attribute macros write `::collimate::…`, here too.
extern crate self as collimate;

use std::sync::LazyLock;

pub mod cli;
pub mod policy_gradient;
pub mod preference;
pub mod reward_model;
pub mod rpo;
pub mod sandbox;
pub mod supervised;

#[cfg(test)]
mod given;

pub use collimate_dsl::*;
pub use policy_gradient::{awr, dr_grpo, reinforce, remax, rloo};
pub use preference::online_dpo;
pub use preference::{dpo, ipo, simpo};
pub use reward_model::{reward_bt, reward_centred, reward_margin, reward_regression, reward_scaled};
pub use rpo::{online_rpo, rpo_bwd, rpo_bwd_k, rpo_fwd, rpo_sq, rpo_sqloo};
pub use supervised::{rejection, sft, steerlm2};

/// Every algorithm of this crate.
pub static ALL: LazyLock<Vec<&'static Algorithm>> =
    LazyLock::new(|| [supervised::ALL, preference::ALL, rpo::ALL, policy_gradient::ALL, reward_model::ALL].concat());

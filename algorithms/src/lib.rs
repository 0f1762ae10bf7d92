//! A typed, embedded language for alignment algorithms that trains real language models.
//!
//! One file here is one algorithm: its paper, its formula, its hyper-parameters.
#![forbid(unsafe_code)]
// The attribute macros write `::collimate::…`, here too.
extern crate self as collimate;

pub mod cli;
pub mod dpo;
pub mod ipo;
pub mod rpo_bwd;
pub mod rpo_fwd;
pub mod rpo_sq;
pub mod sandbox;
pub mod sft;
pub mod simpo;

#[cfg(test)]
mod given;

pub use collimate_dsl::*;

/// Every algorithm of this crate.
pub static ALL: &[&Algorithm] =
    &[&sft::SFT, &dpo::DPO, &ipo::IPO, &simpo::SIMPO, &rpo_sq::RPO_SQ, &rpo_bwd::RPO_BWD, &rpo_fwd::RPO_FWD];

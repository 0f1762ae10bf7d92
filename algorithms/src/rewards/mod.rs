//! Rewards that are ordinary Rust: functions of what was written and of the row its prompt is from.
//!
//! `#[reward]` on a function that takes a [`Written`] and returns a number, a `bool` or a `Result` of one makes an entry
//! for the list of rewards, by which `--reward` finds it.

mod combined;
mod format;
#[cfg(test)]
mod given;
mod instruction;
mod instructions;
mod lengths;
mod model;
mod verifiers;
mod written;

pub use combined::{Combined, Source, Term};
pub use format::*;
pub use instructions::*;
pub use lengths::*;
pub use model::{reward_model, reward_model_on};
pub use verifiers::*;
pub use written::{Worth, Written};

/// One entry of the list of rewards. `#[reward]` writes it beside the function.
#[derive(Debug)]
pub struct HostReward {
    /// The function's name.
    pub name: &'static str,
    /// The function's documentation.
    pub about: &'static str,
    /// The source file it is written in.
    pub file: &'static str,
    /// What something written is worth, or why that cannot be said.
    pub worth: fn(&Written<'_>) -> Result<f64, String>,
}

/// Every reward of this crate.
pub static REWARDS: &[&HostReward] = &[
    &verifiers::JUDGE,
    &verifiers::ANSWERED,
    &verifiers::EXACT,
    &verifiers::FINAL_NUMBER,
    &instructions::INSTRUCTIONS,
    &format::THINK,
    &format::PATTERN,
    &lengths::LENGTH,
    &lengths::ENDED,
    &lengths::UNENDED,
];

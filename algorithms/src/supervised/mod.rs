//! Algorithms on good responses.

use crate::Algorithm;

pub mod sft;

/// The algorithms of this folder.
pub static ALL: &[&Algorithm] = &[&sft::SFT];

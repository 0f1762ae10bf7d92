//! Algorithms on good responses.

use crate::Algorithm;

pub mod rejection;
pub mod sft;
pub mod steerlm2;

/// The algorithms of this folder.
pub static ALL: &[&Algorithm] = &[&sft::SFT, &rejection::REJECTION, &steerlm2::STEERLM2];

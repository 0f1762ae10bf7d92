//! Algorithms on good responses.

use crate::Algorithm;

pub mod rejection;
pub mod sft;
pub mod steerlm;
pub mod steerlm2;

/// The algorithms of this folder.
pub static ALL: &[&Algorithm] =
    &[&sft::SFT, &sft::SFT_TRL, &rejection::REJECTION, &steerlm::STEERLM, &steerlm2::STEERLM2];

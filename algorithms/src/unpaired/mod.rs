//! Algorithms on single responses, each liked or not.

use crate::Algorithm;

pub mod apo_zero_unpaired;
pub mod bco;
pub mod kto;

/// The algorithms of this folder.
#[rustfmt::skip]
pub static ALL: &[&Algorithm] = &[
    &kto::KTO, &kto::KTO_TRL, &kto::KTO_LLAMAFACTORY, &kto::KTO_LIGER,
    &apo_zero_unpaired::APO_ZERO_UNPAIRED, &apo_zero_unpaired::APO_ZERO_UNPAIRED_TRL,
    &bco::BCO, &bco::BCO_TRL,
];

//! Reward models: what a response is worth, learned from people's choices and ratings.

use crate::Algorithm;

pub mod reward_bt;
pub mod reward_centred;
pub mod reward_margin;
pub mod reward_meanvar;
pub mod reward_regression;
pub mod reward_scaled;

#[cfg(test)]
mod given;

/// The algorithms of this folder.
pub static ALL: &[&Algorithm] = &[
    &reward_bt::REWARD_BT,
    &reward_bt::REWARD_BT_TRL,
    &reward_margin::REWARD_MARGIN,
    &reward_margin::REWARD_MARGIN_NEMO_ALIGNER,
    &reward_scaled::REWARD_SCALED,
    &reward_scaled::REWARD_SCALED_NEMO_ALIGNER,
    &reward_centred::REWARD_CENTRED,
    &reward_regression::REWARD_REGRESSION,
    &reward_meanvar::REWARD_MEANVAR,
];

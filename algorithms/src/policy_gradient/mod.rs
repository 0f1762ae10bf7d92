//! Policy gradients: the likelihood of drawn responses follows their advantages.

use crate::Algorithm;

pub mod advantage;
pub mod awr;
pub mod dr_grpo;
pub mod ratio;
pub mod reinforce;
pub mod remax;
pub mod rloo;

/// The algorithms of this folder.
pub static ALL: &[&Algorithm] =
    &[&reinforce::REINFORCE, &rloo::RLOO, &rloo::RLOO_TRL, &remax::REMAX, &dr_grpo::DR_GRPO, &awr::AWR];

//! Algorithms on pairs: one response chosen over another.

use crate::Algorithm;

pub mod dpo;
pub mod ipo;
pub mod online_dpo;
pub mod simpo;

/// The algorithms of this folder.
pub static ALL: &[&Algorithm] = &[&dpo::DPO, &ipo::IPO, &simpo::SIMPO, &online_dpo::ONLINE_DPO];

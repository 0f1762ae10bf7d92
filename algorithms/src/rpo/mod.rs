//! Reward-aware Preference Optimization: the learned rewards follow the judged ones.

use crate::Algorithm;

pub mod online_rpo;
pub mod rpo_alpha;
pub mod rpo_bwd;
pub mod rpo_bwd_k;
pub mod rpo_fwd;
pub mod rpo_sq;
pub mod rpo_sqloo;

/// The algorithms of this folder.
#[rustfmt::skip]
pub static ALL: &[&Algorithm] = &[
    &rpo_sq::RPO_SQ, &rpo_sq::RPO_SQ_NEMO_ALIGNER,
    &rpo_bwd::RPO_BWD, &rpo_bwd::RPO_BWD_NEMO_ALIGNER,
    &rpo_fwd::RPO_FWD, &rpo_fwd::RPO_FWD_NEMO_ALIGNER,
    &rpo_alpha::RPO_ALPHA,
    &rpo_bwd_k::RPO_BWD_K, &rpo_sqloo::RPO_SQLOO,
    &online_rpo::ONLINE_RPO,
];

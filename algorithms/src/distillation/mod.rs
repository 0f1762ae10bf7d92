//! Distillation: the model becomes like a teacher, word by word.

use crate::Algorithm;

pub mod distill_fkl;
pub mod distill_jsd;
pub mod distill_rkl;
pub mod distill_topk;

#[cfg(test)]
mod given;

/// The algorithms of this folder.
pub static ALL: &[&Algorithm] =
    &[&distill_fkl::DISTILL_FKL, &distill_rkl::DISTILL_RKL, &distill_jsd::DISTILL_JSD, &distill_topk::DISTILL_TOPK];

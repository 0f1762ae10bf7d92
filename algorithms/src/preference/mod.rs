//! Algorithms on pairs: one response chosen over another.

use crate::Algorithm;

pub mod alphapo;
pub mod aot;
pub mod aot_unpaired;
pub mod apo_down;
pub mod apo_zero;
pub mod bco_pair;
pub mod cpo;
pub mod discopop;
pub mod distilled_dpo;
pub mod dpo;
pub mod dpo_norm;
pub mod dpo_sft;
pub mod exo;
pub mod f_dpo;
pub mod hinge;
pub mod ipo;
pub mod ld_dpo;
pub mod margin_dpo;
pub mod mpo;
pub mod nca;
pub mod online_dpo;
pub mod orpo;
pub mod robust;
pub mod scaled_dpo;
pub mod simpo;
pub mod slic;
pub mod spin;
pub mod sppo_hard;
pub mod wpo;

/// The algorithms of this folder.
#[rustfmt::skip]
pub static ALL: &[&Algorithm] = &[
    &dpo::DPO, &dpo::DPO_TRL, &dpo::DPO_OPENRLHF, &dpo::DPO_LLAMAFACTORY, &dpo::DPO_NEMO_ALIGNER,
    &dpo_norm::DPO_NORM, &dpo_norm::DPO_NORM_TRL,
    &robust::ROBUST, &robust::ROBUST_TRL, &robust::ROBUST_PMETAL,
    &hinge::HINGE, &hinge::HINGE_TRL,
    &exo::EXO, &exo::EXO_TRL,
    &nca::NCA, &nca::NCA_TRL,
    &bco_pair::BCO_PAIR, &bco_pair::BCO_PAIR_TRL,
    &ipo::IPO, &ipo::IPO_TRL, &ipo::IPO_LLAMAFACTORY, &ipo::IPO_OPENRLHF, &ipo::IPO_NEMO_ALIGNER, &ipo::IPO_PMETAL,
    &sppo_hard::SPPO_HARD, &sppo_hard::SPPO_HARD_TRL,
    &apo_zero::APO_ZERO, &apo_zero::APO_ZERO_TRL,
    &apo_down::APO_DOWN, &apo_down::APO_DOWN_TRL,
    &discopop::DISCOPOP, &discopop::DISCOPOP_TRL,
    &f_dpo::F_DPO, &f_dpo::F_DPO_TRL, &f_dpo::F_DPO_FORWARD_KL, &f_dpo::F_DPO_FORWARD_KL_TRL,
    &f_dpo::F_DPO_JS, &f_dpo::F_DPO_JS_TRL,
    &aot::AOT, &aot::AOT_TRL, &aot_unpaired::AOT_UNPAIRED, &aot_unpaired::AOT_UNPAIRED_TRL,
    &ld_dpo::LD_DPO, &ld_dpo::LD_DPO_TRL, &ld_dpo::LD_DPO_LLAMAFACTORY,
    &wpo::WPO, &wpo::WPO_TRL,
    &scaled_dpo::SCALED_DPO, &margin_dpo::MARGIN_DPO, &distilled_dpo::DISTILLED_DPO, &spin::SPIN,
    &cpo::CPO, &cpo::CPO_TRL,
    &slic::SLIC, &slic::SLIC_TRL,
    &simpo::SIMPO, &simpo::SIMPO_TRL, &simpo::SIMPO_LLAMAFACTORY, &simpo::SIMPO_AUTHORS,
    &alphapo::ALPHAPO, &alphapo::ALPHAPO_TRL,
    &orpo::ORPO, &orpo::ORPO_TRL, &orpo::ORPO_LLAMAFACTORY, &orpo::ORPO_PMETAL,
    &dpo_sft::DPO_SFT, &dpo_sft::RPO_TRL,
    &mpo::MPO, &mpo::MPO_TRL, &mpo::MPO_LLAMAFACTORY,
    &online_dpo::ONLINE_DPO,
];

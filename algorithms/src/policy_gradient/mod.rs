//! Policy gradients: the likelihood of drawn responses follows their advantages.

use crate::Algorithm;

pub mod advantage;
pub mod awr;
pub mod cispo;
pub mod dapo;
pub mod dppo;
pub mod dr_grpo;
pub mod gmpo;
pub mod gpg;
pub mod grpo;
pub mod grpo_tis;
pub mod grpo_tunix;
pub mod gspo;
pub mod luspo;
pub mod opo;
pub mod ppo;
pub mod ppo_adaptive;
pub mod ppo_dual_clip;
pub mod ppo_entropy;
pub mod ratio;
pub mod reinforce;
pub mod reinforce_pp;
pub mod reinforce_pp_baseline;
pub mod remax;
pub mod rloo;
pub mod sapo;
pub mod two_sided_grpo;
pub mod vespo;

#[cfg(test)]
mod peers;

/// The algorithms of this folder.
pub static ALL: &[&Algorithm] = &[
    &reinforce::REINFORCE,
    &rloo::RLOO,
    &rloo::RLOO_TRL,
    &rloo::RLOO_NEMO_ALIGNER,
    &rloo::RLOO_VERL,
    &reinforce_pp::REINFORCE_PP,
    &reinforce_pp_baseline::REINFORCE_PP_BASELINE,
    &remax::REMAX,
    &opo::OPO,
    &gpg::GPG,
    &gpg::GPG_VERL,
    &ppo::PPO,
    &ppo::PPO_TRL,
    &ppo::PPO_VERL,
    &ppo::PPO_NEMO_ALIGNER,
    &ppo_dual_clip::PPO_DUAL_CLIP,
    &ppo_adaptive::PPO_ADAPTIVE,
    &ppo_entropy::PPO_ENTROPY,
    &grpo::GRPO,
    &grpo::GRPO_TRL,
    &grpo::BNPO_TRL,
    &grpo::GRPO_VERL,
    &grpo::GRPO_OPENRLHF,
    &grpo::GRPO_NEMO_RL,
    &grpo_tis::GRPO_TIS,
    &grpo_tunix::GRPO_TUNIX,
    &two_sided_grpo::TWO_SIDED_GRPO,
    &two_sided_grpo::TWO_SIDED_GRPO_TRL,
    &dr_grpo::DR_GRPO,
    &dr_grpo::DR_GRPO_TRL,
    &dr_grpo::DR_GRPO_VERL,
    &dapo::DAPO,
    &dapo::DAPO_TRL,
    &gspo::GSPO,
    &gspo::GSPO_TRL,
    &luspo::LUSPO,
    &cispo::CISPO,
    &cispo::CISPO_TRL,
    &cispo::CISPO_VERL,
    &gmpo::GMPO,
    &dppo::DPPO_TV,
    &dppo::DPPO_TV_VERL,
    &dppo::DPPO_KL,
    &dppo::DPPO_KL_VERL,
    &sapo::SAPO,
    &vespo::VESPO,
    &awr::AWR,
];

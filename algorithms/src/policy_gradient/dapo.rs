//! Decoupled Clip and Dynamic sAmpling Policy Optimization, arXiv:2503.14476, equation 8.
//!
//! GRPO with a wider band above 1 than below ("clip higher"), a mean over all tokens instead of over responses, and no
//! reference:
//!
//! ```text
//! A = (s - mean s) / std s
//! L = - (1 / number of tokens) sum over all tokens of the batch of
//!       min(rho_t A, clip(rho_t, 1 - epsilon, 1 + epsilon_high) A)
//! ```
//!
//! The paper also leaves out groups without spread when it draws, and shapes the score of overlong responses: both are
//! done where responses are drawn.

crate::prelude!();
use super::advantage::standardised;
use super::grpo::{GrpoTrl, trl_terms};
use super::ratio::{clipped, token_ratio};

/// Hyper-parameters of [`dapo`].
#[derive(Hyper)]
pub struct Dapo {
    /// How far the ratio may fall below 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
    /// How far the ratio may rise above 1 and still gain.
    #[hyper(default = 0.28, above = 0.0, at_most = 10.0)]
    pub epsilon_high: Param,
}

/// DAPO: GRPO with more room upwards, every token of the batch alike, and no reference.
#[algorithm(paper = "arXiv:2503.14476")]
pub fn dapo(actor: &Actor, behavior: &Behavior, group: &Group, hp: &Dapo) -> Scalar<Loss> {
    let rho = token_ratio(actor, behavior, group.response);
    -clipped(rho, standardised(group.score, 1e-4), hp.epsilon, hp.epsilon_high).batch_mean()
}

/// TRL's DAPO (`loss_type="dapo"`, its default): the band is as wide above 1 as below unless `epsilon_high` is set, and a
/// price of drifting may be.
#[algorithm(paper = "arXiv:2503.14476", preset = "dapo@trl", source = "TRL, trl/trainer/grpo_trainer.py, f2cd5771")]
pub fn dapo_trl(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    hp: &GrpoTrl,
) -> Scalar<Loss> {
    let advantage = standardised(group.score, 1e-4);
    trl_terms(actor, behavior, reference, group.response, advantage, hp).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::two_groups;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        two_groups().check_samples(
            &DAPO,
            &[],
            -0.152_441_994_277,
            &[
                -0.143_774_765_89,
                -0.106_510_966_245,
                0.0,
                0.014_714_102_794,
                0.019_861_961_252,
                0.013_313_870_781,
                0.117_193_750_783,
                -0.071_081_602_977,
                -0.078_557_320_42,
            ],
        );
    }
}

//! Soft Adaptive Policy Optimization, arXiv:2511.20347.
//!
//! Instead of a band with edges a gate that closes smoothly, and sooner for what should become less likely:
//!
//! ```text
//! A = (s - mean s) / std s,   tau = temperature_pos if A > 0, else temperature_neg
//! L = - mean over prompts of the mean over their responses of the mean over their tokens of
//!       (4 / tau) sigmoid(tau (rho_t - 1)) A
//! ```
//!
//! At `rho = 1` the gate's slope is 1, that of the ratio itself.

crate::prelude!();
use super::advantage::standardised;
use super::ratio::token_ratio;

/// Hyper-parameters of [`sapo`].
#[derive(Hyper)]
pub struct Sapo {
    /// How soon the gate closes for what should become likelier.
    #[hyper(default = 1.0, above = 0.0, at_most = 100.0)]
    pub sapo_temperature_pos: Param,
    /// How soon the gate closes for what should become less likely.
    #[hyper(default = 1.05, above = 0.0, at_most = 100.0)]
    pub sapo_temperature_neg: Param,
}

/// `(4 / tau) sigmoid(tau (rho - 1))`: near 1 it rises as the ratio does, far from it not at all.
#[loss]
pub fn soft_gate(rho: PerToken<Ratio>, tau: Param) -> PerToken<Ratio> {
    let past = (tau * (rho - 1.0)).treat_as::<LogRatio>("near 1 a ratio less 1 is its logarithm");
    (4.0 / tau) * sigmoid(past).treat_as::<Ratio>("a ratio that is held back")
}

/// Soft Adaptive Policy Optimization: GRPO with a smooth gate instead of clipping.
#[algorithm(paper = "arXiv:2511.20347")]
pub fn sapo(actor: &Actor, behavior: &Behavior, group: &Group, hp: &Sapo) -> Scalar<Loss> {
    let advantage = standardised(group.score, 1e-4);
    let rho = token_ratio(actor, behavior, group.response);
    let better = soft_gate(rho, hp.sapo_temperature_pos) * advantage;
    let worse = soft_gate(rho, hp.sapo_temperature_neg) * advantage;
    -when_negative(advantage, worse, better).mean(Token).mean(Response).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::SAPO;
    use crate::given::two_groups;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        two_groups().check_samples(
            &SAPO,
            &[],
            -0.009_362_006_97,
            &[
                -0.106_520_348_222,
                -0.079_702_643_337,
                0.089_820_208_628,
                0.007_357_051_397,
                0.009_603_334_737,
                0.006_640_347_043,
                0.246_858_513_209,
                -0.079_786_033_067,
                -0.088_376_985_473,
            ],
        );
    }
}

//! Length-Unbiased Sequence Policy Optimization, arXiv:2602.05261.
//!
//! GSPO weighs each response alike, so that each token of a long one counts for less. Here each response counts by its
//! length. With `rho = (pi(y | x) / pi_old(y | x))^(1 / |y|)`:
//!
//! ```text
//! A = (s - mean s) / std s
//! L = - mean over prompts of the mean over their responses of |y| min(rho A, clip(rho, 1 - epsilon, 1 + epsilon_high) A)
//! ```

crate::prelude!();
use super::advantage::standardised;
use super::gspo::Gspo;
use super::ratio::mean_ratio;

/// Length-unbiased GSPO: each response counts by its length.
#[algorithm(paper = "arXiv:2602.05261")]
pub fn luspo(actor: &Actor, behavior: &Behavior, group: &Group, hp: &Gspo) -> Scalar<Loss> {
    let advantage = standardised(group.score, 1e-4);
    let rho = mean_ratio(actor, behavior, group.response);
    let gain = min(rho * advantage, rho.clamp(1.0 - hp.epsilon, 1.0 + hp.epsilon_high) * advantage);
    -(length(group.response) * gain).mean(Response).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::LUSPO;
    use crate::given::two_groups;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        two_groups().check_samples(
            &LUSPO,
            &[],
            -0.200_631_049_916,
            &[
                0.0,
                0.0,
                0.0,
                0.023_592_719_823,
                0.023_592_719_823,
                0.023_592_719_823,
                0.263_685_939_263,
                -0.168_133_578_061,
                -0.168_133_578_061,
            ],
        );
    }
}

//! Geometric-Mean Policy Optimization, arXiv:2507.20673, equation 4.
//!
//! The geometric mean over a response of its tokens' ratios, each limited where it would gain from moving on: a single
//! wild token cannot carry the response. With `x_t = log(pi / pi_old)` of a token:
//!
//! ```text
//! A = (s - mean s) / std s
//! c_t = min(x_t, clip(x_t, -epsilon, epsilon))  if A >= 0,  max(x_t, clip(x_t, -epsilon, epsilon))  if A < 0
//! L = - mean over prompts of the mean over their responses of A exp(mean_t c_t)
//! ```

crate::prelude!();
use super::advantage::standardised;

/// Hyper-parameters of [`gmpo`].
#[derive(Hyper)]
pub struct Gmpo {
    /// How far a token's log-ratio may move from 0 and still gain.
    #[hyper(default = 0.4, above = 0.0, at_most = 10.0)]
    pub epsilon: Param,
}

/// Geometric-Mean Policy Optimization: GSPO with every token limited before the mean is taken.
#[algorithm(paper = "arXiv:2507.20673")]
pub fn gmpo(actor: &Actor, behavior: &Behavior, group: &Group, hp: &Gmpo) -> Scalar<Loss> {
    let advantage = standardised(group.score, 1e-4);
    let moved = actor.logp(group.response) - behavior.logp(group.response);
    let near = moved.clamp(-hp.epsilon, hp.epsilon);
    let limited = when_negative(advantage, max(moved, near), min(moved, near));
    -(limited.mean(Token).exp() * advantage).mean(Response).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::GMPO;
    use crate::given::two_groups;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        two_groups().check_samples(
            &GMPO,
            &[],
            0.037_086_108_963,
            &[
                -0.092_811_065_858,
                -0.092_811_065_858,
                0.0,
                0.007_864_239_941,
                0.007_864_239_941,
                0.007_864_239_941,
                0.263_685_939_263,
                -0.084_066_789_03,
                -0.084_066_789_03,
            ],
        );
        two_groups().check_samples(
            &GMPO,
            &[("epsilon", 0.15)],
            0.071_083_705_298,
            &[
                0.0,
                -0.090_519_552_477,
                0.0,
                0.007_864_239_941,
                0.007_864_239_941,
                0.007_864_239_941,
                0.263_685_939_263,
                -0.084_066_789_03,
                -0.084_066_789_03,
            ],
        );
    }
}

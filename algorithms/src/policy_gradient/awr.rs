//! Advantage-Weighted Regression, arXiv:1910.00177, equation 10.
//!
//! The likelihood of each response, weighed by the exponential of how much better it is than the group's mean; with
//! weights limited as in the paper's section 5:
//!
//! ```text
//! L = - mean over prompts of the mean over their responses of min(exp((s(y) - mean s) / beta), max_weight) log pi(y | x)
//! ```
//!
//! The responses may come from anywhere: nothing is corrected for who drew them.

crate::prelude!();

/// Hyper-parameters of [`awr`].
#[derive(Hyper)]
pub struct Awr {
    /// The temperature: how many points of advantage make a weight e times as large.
    #[hyper(default = 1.0, above = 0.0, at_most = 1e6)]
    pub beta: Param,
    /// The largest weight.
    #[hyper(default = 20.0, above = 0.0, at_most = 1e6)]
    pub max_weight: Param,
}

/// Advantage-weighted regression: raises the likelihood of every response, of the better ones more.
#[algorithm(paper = "arXiv:1910.00177", except = "better: every response becomes likelier, the better ones more")]
pub fn awr(actor: &Actor, group: &Group, hp: &Awr) -> Scalar<Loss> {
    let advantage = (group.score - group_mean(group.score)) / hp.beta;
    let weight = min(advantage.exp(), hp.max_weight);
    -(weight * actor.logp(group.response).sum(Token)).mean(Response).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::AWR;
    use crate::given::two_groups;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        two_groups().check_samples(
            &AWR,
            &[],
            2.074_738_982_869,
            &[
                -0.284_100_810_887,
                -0.284_100_810_887,
                -0.104_514_847_546,
                -0.155_917_830_839,
                -0.155_917_830_839,
                -0.155_917_830_839,
                -0.144_237_452_595,
                -0.433_313_254_467,
                -0.433_313_254_467,
            ],
        );
    }
    #[test]
    fn a_weight_is_no_larger_than_its_limit() {
        // At a tenth of the temperature the best responses would weigh e^5.3 and e^5.5: -20 / (3 * 2), -20 / (2 * 2).
        two_groups().check_samples(
            &AWR,
            &[("beta", 0.1)],
            17.683_034_851_084,
            &[
                -3.333_333_333_333,
                -3.333_333_333_333,
                -0.001_567_260_425,
                -0.085_569_519_839,
                -0.085_569_519_839,
                -0.085_569_519_839,
                -0.001_021_692_86,
                -5.0,
                -5.0,
            ],
        );
    }
}

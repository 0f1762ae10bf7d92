//! Reward-aware Preference Optimization with the backward KL divergence over K responses, arXiv:2502.00203.
//!
//! The learned rewards `r(y) = beta log(pi(y | x) / pi_ref(y | x))` of the responses `y_1 ... y_K` to a prompt, and the
//! judged ones `eta s(y)`, are each made a distribution over the responses; the learned one follows the judged one:
//!
//! ```text
//! L = mean over prompts of KL(softmax_k(eta s(y_k)) || softmax_k(r(y_k)))
//! ```
//!
//! With two responses this is `rpo_bwd`. With `beta = eta = 1` and a judge that gives the logarithm of a target weight
//! it is SteerLM 2.0.

crate::prelude!();
use crate::dpo::implicit;
use crate::rpo_bwd::RpoBwd;

/// `KL(judged || ours)` of two distributions over the responses to a prompt.
#[loss]
pub fn group_backward_kl(ours: PerResponse<LogProb>, judged: PerResponse<LogProb, Sample, NoGrad>) -> PerPrompt<Loss> {
    (judged.exp() * (judged - ours)).sum(Response).as_loss()
}

/// Reward-aware Preference Optimization, backward KL over K responses: the learned ranking follows the judged one.
#[algorithm(paper = "arXiv:2502.00203")]
pub fn rpo_bwd_k(actor: &Actor, reference: &Reference, group: &Group, hp: &RpoBwd) -> Scalar<Loss> {
    let ours = log_softmax(implicit(actor, reference, group.response, hp.beta));
    let judged = log_softmax(hp.eta * group.score);
    group_backward_kl(ours, judged).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::RPO_BWD_K;
    use crate::given::{Given, four_rewards, two_groups};
    use crate::rpo_bwd::RPO_BWD;

    #[test]
    fn four_responses_cost_the_divergence_of_their_rewards() {
        // Rewards .3, -.2, .5, .1 of ours against 1, 0, .4, -.6 of the judge.
        four_rewards().check(&RPO_BWD_K, &[("beta", 1.0), ("eta", 1.0)], 0.115_587_750_6);
    }
    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        let settings = [("beta", 0.5), ("eta", 2.0)];
        two_groups().check_samples(
            &RPO_BWD_K,
            &settings,
            0.339_214_923_405,
            &[
                -0.088_528_346_088,
                -0.088_528_346_088,
                0.046_450_801_397,
                0.042_077_544_691,
                0.042_077_544_691,
                0.042_077_544_691,
                0.106_307_174_59,
                -0.106_307_174_59,
                -0.106_307_174_59,
            ],
        );
    }
    #[test]
    fn two_responses_are_a_pair() {
        let settings = [("beta", 0.1), ("eta", 3.0)];
        let group = Given::default()
            .sample(0, &[("actor", &[-1.0, -1.0]), ("reference", &[-3.0, -3.0])])
            .sample(0, &[("actor", &[-5.0]), ("reference", &[-1.0])])
            .group("score", &[2.0, 1.5]);
        group.check(&RPO_BWD_K, &settings, 0.041_989_521_3);
        let pair = Given::pair(("actor", &[-1.0, -1.0]), ("actor", &[-5.0]))
            .also(("reference", &[-3.0, -3.0]), ("reference", &[-1.0]))
            .scores(&[2.0], &[1.5]);
        pair.check(&RPO_BWD, &settings, 0.041_989_521_3);
    }
}

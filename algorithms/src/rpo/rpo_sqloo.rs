//! Reward-aware Preference Optimization with the squared distance of leave-one-out rewards, arXiv:2502.00203.
//!
//! Each of K responses is compared with the mean of the others, once with the learned reward
//! `r(y) = beta log(pi(y | x) / pi_ref(y | x))` and once with the judged one `eta s(y)`:
//!
//! ```text
//! L = mean over prompts of 1/2 sum_k ( [r(y_k) - mean_{j != k} r(y_j)] - eta [s(y_k) - mean_{j != k} s(y_j)] )^2
//! ```
//!
//! With two responses this is `rpo_sq`. Its gradient is that of REINFORCE-LOO with KL coefficient `beta / eta`, times
//! `eta beta K^2 / (K - 1)`, for any responses; over all pairs it is the sum of squared pairwise misses, up to a constant.

crate::prelude!();
use crate::dpo::implicit;
use crate::rpo_sq::RpoSq;

/// Reward-aware Preference Optimization, squared distance over K responses: each response's learned lead over the
/// others follows the judged one.
#[algorithm(paper = "arXiv:2502.00203")]
pub fn rpo_sqloo(actor: &Actor, reference: &Reference, group: &Group, hp: &RpoSq) -> Scalar<Loss> {
    let ours = implicit(actor, reference, group.response, hp.beta);
    let judged = hp.eta * group.score;
    let miss = (ours - leave_one_out(ours)) - (judged - leave_one_out(judged));
    (0.5 * miss.squared()).sum(Response).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::RPO_SQLOO;
    use crate::given::{Given, four_rewards, two_groups};

    #[test]
    fn four_responses_cost_the_squared_difference_of_their_leads() {
        // Leads 1/6, -1/2, 13/30, -1/10 of ours against 16/15, -4/15, 4/15, -16/15 of the judge.
        four_rewards().check(&RPO_SQLOO, &[("beta", 1.0), ("eta", 1.0)], 0.913_333_333_333);
    }
    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        let settings = [("beta", 0.5), ("eta", 2.0)];
        two_groups().check_samples(
            &RPO_SQLOO,
            &settings,
            3.616_25,
            &[-0.581_25, -0.581_25, 0.431_25, 0.15, 0.15, 0.15, 1.15, -1.15, -1.15],
        );
    }
    #[test]
    fn two_responses_cost_what_rpo_sq_costs() {
        let group = Given::default()
            .sample(0, &[("actor", &[-1.0, -1.0]), ("reference", &[-3.0, -3.0])])
            .sample(0, &[("actor", &[-5.0]), ("reference", &[-1.0])])
            .group("score", &[2.0, 1.5]);
        group.check(&RPO_SQLOO, &[("beta", 0.1), ("eta", 3.0)], 0.49);
    }
}

//! REINFORCE, Williams 1992 (Machine Learning 8, 229-256), with the mean reward as baseline.
//!
//! With the reward `R(y) = s(y) - beta log(pi(y | x) / pi_ref(y | x))`, a constant, and its mean over the batch as what
//! was expected anyway:
//!
//! ```text
//! L = - mean over prompts of the mean over their responses of (R(y) - mean R) log pi(y | x)
//! ```
//!
//! The price of drifting stands in the reward; its gradient is that of the divergence. The mean is over the whole
//! batch, so the batch is looked at twice if it is cut.

crate::prelude!();
use super::advantage::kl_penalised;

/// Hyper-parameters of [`reinforce`].
#[derive(Hyper)]
pub struct Reinforce {
    /// The price of drifting from the reference.
    #[hyper(default = 0.05, at_least = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// REINFORCE: raises the likelihood of responses better than the batch's mean.
#[algorithm(paper = "doi:10.1007/BF00992696")]
pub fn reinforce(actor: &Actor, reference: &Reference, group: &Group, hp: &Reinforce) -> Scalar<Loss> {
    let reward = kl_penalised(actor, reference, group, hp.beta);
    let advantage = reward - reward.batch_mean().as_baseline();
    -(actor.logp(group.response).sum(Token) * advantage).mean(Response).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::REINFORCE;
    use crate::given::two_groups;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        // Without a price the advantages are the scores 1, 0, .4, -.6, .5 less their mean .26.
        two_groups().check_samples(
            &REINFORCE,
            &[("beta", 0.0)],
            0.254_333_333_333,
            &[
                -0.123_333_333_333,
                -0.123_333_333_333,
                0.043_333_333_333,
                -0.023_333_333_333,
                -0.023_333_333_333,
                -0.023_333_333_333,
                0.215,
                -0.06,
                -0.06,
            ],
        );
        two_groups().check_samples(
            &REINFORCE,
            &[("beta", 0.1)],
            0.260_3,
            &[-0.122, -0.122, 0.038, -0.018_666_666_667, -0.018_666_666_667, -0.018_666_666_667, 0.217, -0.063, -0.063],
        );
    }
}

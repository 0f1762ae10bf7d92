//! Binary Classifier Optimization, arXiv:2404.04656.
//!
//! With the implicit reward `r(y) = beta log(pi(y | x) / pi_ref(y | x))` and its running mean `d` over all responses of
//! this step and the steps before:
//!
//! ```text
//! L = - mean over responses of log sigmoid(r(y) - d)    if y is liked
//!                              log sigmoid(d - r(y))    if it is not
//! ```
//!
//! A classifier of liked against other responses whose logit is the reward; the shift keeps it in the middle. In the
//! paper the shift is the mean of the two classes' means, which is the same where both are as frequent. The mean is
//! carried from step to step, is in every checkpoint, and counts each step alike.

crate::prelude!();
use crate::dpo::implicit;

/// Hyper-parameters of [`bco`].
#[derive(Hyper)]
pub struct Bco {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// The mean of this step's mean reward and those of all steps before.
#[reward]
pub fn running_mean(now: Scalar<Reward, NoGrad>) -> Scalar<Baseline, NoGrad> {
    let mean = state::<Reward>("mean_reward", 0.0);
    let steps = state::<Number>("steps", 0.0);
    let next = mean + (now - mean) / (steps + 1.0);
    mean.update(next);
    steps.update(steps + 1.0);
    next.as_baseline()
}

/// Binary Classifier Optimization: the reward, less its running mean, tells liked from other responses.
#[algorithm(paper = "arXiv:2404.04656")]
pub fn bco(actor: &Actor, reference: &Reference, data: &Unpaired, hp: &Bco) -> Scalar<Loss> {
    let reward = implicit(actor, reference, data.response, hp.beta);
    let logit = reward - running_mean(reward.detach().batch_mean());
    -choose(data.label, log_sigmoid(logit), log_sigmoid(-logit)).batch_mean()
}

/// TRL's `BCOTrainer`: the same formula, where all optimizer steps have equally many responses.
///
/// TRL's weights for prompts of different distributions (UDM) are not here: they need another model.
#[algorithm(
    paper = "arXiv:2404.04656",
    preset = "bco@trl",
    source = "TRL 1.9, trl/experimental/bco/bco_trainer.py, f2cd5771"
)]
pub fn bco_trl(actor: &Actor, reference: &Reference, data: &Unpaired, hp: &Bco) -> Scalar<Loss> {
    bco(actor, reference, data, hp)
}

#[cfg(test)]
mod tests {
    use super::{BCO, BCO_TRL};
    use crate::eval::{log_logistic, logistic};
    use crate::given::liked_or_not;
    use crate::ir::SideTag;

    #[test]
    fn the_first_step_is_held_against_its_own_mean() {
        // Rewards 0.1 and -0.2, mean -0.05.
        let expected = -log_logistic(0.15);
        liked_or_not([0.0, 0.0]).check(&BCO, &[("beta", 0.1)], expected);
        liked_or_not([0.0, 0.0]).check(&BCO_TRL, &[("beta", 0.1)], expected);
        liked_or_not([0.0, 0.0]).check_next(&BCO, &[("beta", 0.1)], "mean_reward", -0.05);
        liked_or_not([0.0, 0.0]).check_next(&BCO, &[("beta", 0.1)], "steps", 1.0);
    }
    #[test]
    fn later_steps_are_held_against_all_before_and_the_shift_is_not_trained() {
        // Three steps of mean 0.35: (3 * 0.35 - 0.05) / 4 = 0.25.
        let later = liked_or_not([0.0, 0.0]).state("mean_reward", 0.35).state("steps", 3.0);
        later.check(&BCO, &[("beta", 0.1)], -(log_logistic(-0.15) + log_logistic(0.45)) / 2.0);
        let (liked, disliked) = (0.1 * logistic(0.15) / 2.0, 0.1 * logistic(-0.45) / 2.0);
        later.check_gradient(&BCO, &[("beta", 0.1)], SideTag::Answer, &[-liked, -liked, disliked]);
    }
}

//! Group Policy Gradient, arXiv:2504.02546, equation 6, with the correction of section 3.3.
//!
//! No ratio, no clipping, no reference. A group whose responses all have the same score teaches nothing; the others
//! count so much more that the batch counts as much as if all had taught something:
//!
//! ```text
//! A = alpha (s - mean s),   alpha = prompts / prompts with different scores
//! L = - (1 / number of tokens) sum over all tokens of A log pi(y_t | x, y_<t)
//! ```

crate::prelude!();

/// Group Policy Gradient: raises the likelihood of responses better than their group's mean, token by token.
#[algorithm(paper = "arXiv:2504.02546")]
pub fn gpg(actor: &Actor, group: &Group) -> Scalar<Loss> {
    let advantage = group.score - group_mean(group.score);
    // A deviation below a millionth is that of rounding.
    let teaches = min(1e6 * group_std(group.score), 1.0).as_weight().mean(Response).mean(Prompt);
    -(actor.logp(group.response) * advantage).batch_mean() / teaches
}

/// verl's: a response with a score of zero is taken for one that teaches nothing, whatever the others have, so a batch
/// counts more the more scores are zero.
#[algorithm(paper = "arXiv:2504.02546", preset = "gpg@verl", source = "verl, verl/trainer/ppo/core_algos.py, 1dda039b")]
pub fn gpg_verl(actor: &Actor, group: &Group) -> Scalar<Loss> {
    let advantage = group.score - group_mean(group.score);
    let scored = min(1e6 * group.score.abs().as_weight(), 1.0).batch_mean();
    -(actor.logp(group.response) * advantage).batch_mean() / scored
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{Given, two_groups};

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        two_groups().check_samples(
            &GPG,
            &[],
            0.110_185_185_185,
            &[
                -0.059_259_259_259,
                -0.059_259_259_259,
                0.051_851_851_852,
                0.007_407_407_407,
                0.007_407_407_407,
                0.007_407_407_407,
                0.061_111_111_111,
                -0.061_111_111_111,
                -0.061_111_111_111,
            ],
        );
    }
    #[test]
    fn a_group_with_equal_scores_leaves_its_weight_to_the_others() {
        let sample = |given: Given, prompt| given.sample(prompt, &[("actor", &[-1.0])]);
        let batch = [0, 0, 1, 1].into_iter().fold(Given::default(), sample).group("score", &[1.0, 0.0, 0.3, 0.3]);
        // Twice -A / 4.
        batch.check_samples(&GPG, &[], 0.0, &[-0.25, 0.25, 0.0, 0.0]);
    }
}

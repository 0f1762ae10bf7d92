//! On-Policy RL with Optimal reward baseline, arXiv:2505.23585, equation 7.
//!
//! The baseline with the smallest variance weighs each response by the squared norm of its gradient; where the
//! gradients of tokens are nearly orthogonal and alike in size that is its length:
//!
//! ```text
//! b = sum_k |y_k| s(y_k) / sum_k |y_k|
//! L = - mean over prompts of the mean over their responses of (s(y_k) - b) log pi(y_k | x)
//! ```

crate::prelude!();

/// On-policy reinforcement with the optimal baseline: what was expected anyway is the length-weighted mean score.
#[algorithm(paper = "arXiv:2505.23585")]
pub fn opo(actor: &Actor, group: &Group) -> Scalar<Loss> {
    let tokens = length(group.response);
    let baseline = (tokens * group.score).sum(Response) / tokens.sum(Response);
    let advantage = group.score - baseline.as_baseline();
    -(actor.logp(group.response).sum(Token) * advantage).mean(Response).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::OPO;
    use crate::given::two_groups;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        // Lengths 2, 1, 3 with scores 1, 0, .4 and lengths 1, 2 with scores -.6, .5: baselines 3.2 / 6 and .4 / 3.
        two_groups().check_samples(
            &OPO,
            &[],
            0.084_722_222_222,
            &[
                -0.077_777_777_778,
                -0.077_777_777_778,
                0.088_888_888_889,
                0.022_222_222_222,
                0.022_222_222_222,
                0.022_222_222_222,
                0.183_333_333_333,
                -0.091_666_666_667,
                -0.091_666_666_667,
            ],
        );
    }
}

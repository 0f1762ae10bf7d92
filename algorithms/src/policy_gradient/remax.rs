//! ReMax, arXiv:2310.10505, equation 5 and algorithm 1.
//!
//! What was expected anyway is the reward of the response drawn without randomness, the likeliest token at each place.
//! The column `baseline` holds it:
//!
//! ```text
//! L = - mean over prompts of the mean over their responses of (s(y) - s(y_greedy)) log pi(y | x)
//! ```

crate::prelude!();

/// ReMax: raises the likelihood of responses better than the greedy one.
#[algorithm(paper = "arXiv:2310.10505")]
pub fn remax(actor: &Actor, group: &Group) -> Scalar<Loss> {
    let advantage = group.score - group.baseline;
    -(actor.logp(group.response).sum(Token) * advantage).mean(Response).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::REMAX;
    use crate::given::two_groups;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        // The first response: -(1 - .3) / (3 * 2).
        two_groups().check_samples(
            &REMAX,
            &[],
            0.325,
            &[
                -0.116_666_666_667,
                -0.116_666_666_667,
                0.05,
                -0.016_666_666_667,
                -0.016_666_666_667,
                -0.016_666_666_667,
                0.175,
                -0.1,
                -0.1,
            ],
        );
    }
}

//! SteerLM 2.0: iterative self-improvement of a steerable model, arXiv:2406.08673, section 5.2, equations 6 to 12.
//!
//! Several responses to a prompt with attributes a are drawn from the model `Q'` that is to be improved. The column
//! `weight` holds how much of each one the ideal steerable model would give,
//! `w(y) = P(a | x, y) P(y | x) / Q'(y | x, a)` with `P(a | x, y)` from an attribute predictor and `P(y | x)` from a model
//! without attributes. The model being trained follows them:
//!
//! ```text
//! w'_i = w_i / sum_j w_j,   b'_i = softmax_i(log Q(y_i | x, a) - log Q'(y_i | x, a))
//! L    = mean over prompts of sum_i w'_i log(w'_i / b'_i),   gradient = - sum_i (w'_i - b'_i) grad log Q(y_i | x, a)
//! ```
//!
//! It is `rpo_bwd_k` with `beta = eta = 1`, `Q'` as the reference and `log w` as the judge. NeMo-Aligner takes the
//! gradient's formula for its loss, divides it by the mean number of tokens of a response and reports this loss as its
//! progress. A weight of zero counts as 1e-30, so that its logarithm exists.

crate::prelude!();
use crate::rpo_bwd_k::group_backward_kl;

/// SteerLM 2.0: the responses of the model to a prompt with attributes follow their target weights.
#[algorithm(paper = "arXiv:2406.08673")]
pub fn steerlm2(actor: &Actor, reference: &Reference, group: &Group) -> Scalar<Loss> {
    let gain = (actor.logp(group.response) - reference.logp(group.response)).sum(Token);
    let share = max(group.weight, 1e-30).treat_as::<Prob>("a target weight is an unnormalised probability");
    let target = log_softmax(share.ln().as_reward());
    group_backward_kl(log_softmax(gain), target).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::STEERLM2;
    use crate::given::{Given, two_groups};
    use crate::ir::SideTag;

    #[test]
    fn two_groups_cost_and_push_as_an_independent_script_says() {
        two_groups().check_samples(
            &STEERLM2,
            &[],
            0.058_663_319_419,
            &[
                -0.077_092_693_921,
                -0.077_092_693_921,
                -0.034_096_766_629,
                0.111_189_460_551,
                0.111_189_460_551,
                0.111_189_460_551,
                -0.025_083_001_344,
                0.025_083_001_344,
                0.025_083_001_344,
            ],
        );
    }
    #[test]
    fn the_gradient_is_what_the_model_has_less_what_it_should_have() {
        // At the start the model has 1/3 of each.
        let sample = [("actor", &[-1.0][..]), ("reference", &[-1.0][..])];
        let start = Given::default().sample(0, &sample).sample(0, &sample).sample(0, &sample);
        let start = start.group("weight", &[0.0, 3.0, 1.0]);
        start.check_gradient(&STEERLM2, &[], SideTag::Sample, &[1.0 / 3.0, 1.0 / 3.0 - 0.75, 1.0 / 3.0 - 0.25]);
    }
    #[test]
    fn weights_that_are_met_push_nothing() {
        let sample = [("actor", &[-1.0][..]), ("reference", &[-1.0][..])];
        let met = Given::default().sample(0, &sample).sample(0, &sample).group("weight", &[2.0, 2.0]);
        met.check(&STEERLM2, &[], 0.0);
        met.check_gradient(&STEERLM2, &[], SideTag::Sample, &[0.0, 0.0]);
    }
}

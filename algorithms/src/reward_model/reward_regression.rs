//! Reward model, regression onto the attributes of HelpSteer: arXiv:2406.08673, section 3; arXiv:2311.09528.
//!
//! Five numbers for each response: helpfulness, correctness, coherence, complexity, verbosity. A rating that is missing
//! counts for nothing. With `p` 1 where a rating `s` is present and 0 where it is not:
//!
//! ```text
//! L = sum over responses and attributes of p (r - s)^2 / sum over responses and attributes of p
//! ```
//!
//! Both sums are over the whole batch, as NeMo-Aligner's are over its micro-batch.

crate::prelude!();

/// A reward model of five attributes, by least squares on the ratings that are there.
#[algorithm(paper = "arXiv:2406.08673")]
pub fn reward_regression(model: &RewardModel, rated: &Rated) -> Scalar<Loss> {
    let y = rated.response;
    let miss = rated.helpfulness_present * squared_error(model.helpfulness(y), rated.helpfulness)
        + rated.correctness_present * squared_error(model.correctness(y), rated.correctness)
        + rated.coherence_present * squared_error(model.coherence(y), rated.coherence)
        + rated.complexity_present * squared_error(model.complexity(y), rated.complexity)
        + rated.verbosity_present * squared_error(model.verbosity(y), rated.verbosity);
    let present = rated.helpfulness_present
        + rated.correctness_present
        + rated.coherence_present
        + rated.complexity_present
        + rated.verbosity_present;
    miss.batch_mean() / present.batch_mean()
}

#[cfg(test)]
mod tests {
    use super::REWARD_REGRESSION;
    use crate::given::Given;
    use crate::ir::SideTag;

    const ATTRIBUTES: [&str; 5] = ["helpfulness", "correctness", "coherence", "complexity", "verbosity"];

    /// Two responses; of the second only two attributes are rated.
    fn two_ratings() -> Given {
        let found = [[3.0, 2.0, 4.0, 1.5, 1.0], [0.5, 9.0, 9.0, 9.0, 2.0]];
        let rated = [[4.0, 2.0, 3.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0, 4.0]];
        let present = [[1.0; 5], [1.0, 0.0, 0.0, 0.0, 1.0]];
        let side = Some(SideTag::Answer);
        ATTRIBUTES.iter().enumerate().fold(Given::prompts(&[SideTag::Answer], 2), |given, (i, name)| {
            given
                .says("reward_model", name, side, &[found[0][i], found[1][i]])
                .says("rated", name, side, &[rated[0][i], rated[1][i]])
                .says("rated", &format!("{name}_present"), side, &[present[0][i], present[1][i]])
        })
    }
    #[test]
    fn ratings_that_are_there_cost_their_mean_square() {
        // (1 + 0 + 1 + .25 + 0 + .25 + 4) / 7
        two_ratings().check(&REWARD_REGRESSION, &[], 6.5 / 7.0);
    }
    #[test]
    fn a_rating_that_is_missing_pushes_nothing() {
        let by = |name| ("reward_model", name, SideTag::Answer);
        let slopes = [[-2.0, 1.0], [0.0, 0.0], [2.0, 0.0], [1.0, 0.0], [0.0, -4.0]];
        for (name, slope) in ATTRIBUTES.into_iter().zip(slopes) {
            two_ratings().check_gradient_by(&REWARD_REGRESSION, &[], by(name), &slope.map(|s| s / 7.0));
        }
    }
}

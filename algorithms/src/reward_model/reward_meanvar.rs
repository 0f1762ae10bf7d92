//! Reward model with mean and variance, arXiv:2410.14632, section 4.
//!
//! A response is worth a normal number of mean `mu` and standard deviation `sd`, so the lead of the chosen response is
//! normal too. Each annotator reads it off one of five intervals: much worse, worse, a tie within half a point, better, and
//! much better from one and a half points on. With `q_i` the share of annotators that chose interval i:
//!
//! ```text
//! m = mu(w) - mu(l),   v^2 = sd(w)^2 + sd(l)^2 - 2 correlation sd(w) sd(l)
//! p_i = Phi((high_i - m) / v) - Phi((low_i - m) / v),   edges -3/2, -1/2, 1/2, 3/2
//! L   = mean over pairs of sum_i q_i log(q_i / p_i)
//! ```
//!
//! Pairs over which annotators are divided have a small `|m|` or a large `v`. A share of zero counts as 1e-30, so that its
//! logarithm exists. The paper sets the correlation from how often annotators tie.

crate::prelude!();

/// Hyper-parameters of [`reward_meanvar`].
#[derive(Hyper)]
pub struct RewardMeanvar {
    /// How much the worths of the two responses to one prompt vary together.
    #[hyper(default = 0.0, above = -1.0, below = 1.0)]
    pub correlation: Param,
}

/// `q log(q / p)` of one interval: the shares of annotators less what the model expects.
#[loss]
pub fn surprise(share: PerPrompt<Weight, NoGrad>, expected: PerPrompt<LogProb>) -> PerPrompt<Loss> {
    let share = max(share, 1e-30).treat_as::<Prob>("a share of annotators is a probability");
    (share * (share.ln() - expected)).as_loss()
}

/// A reward model that knows how unsure it is: it predicts how annotators are divided.
#[algorithm(paper = "arXiv:2410.14632")]
pub fn reward_meanvar(model: &RewardModel, pair: &Annotated, hp: &RewardMeanvar) -> Scalar<Loss> {
    let mean = model.score(pair.chosen) - model.score(pair.rejected);
    let (a, b) = (model.spread(pair.chosen), model.spread(pair.rejected));
    let spread = (a * a + b * b - 2.0 * hp.correlation * (a * b)).sqrt();
    let (e1, e2) = ((-1.5 - mean) / spread, (-0.5 - mean) / spread);
    let (e3, e4) = ((0.5 - mean) / spread, (1.5 - mean) / spread);
    let much_worse = surprise(pair.rejected_much_better, log_interval(-1e9, e1));
    let worse = surprise(pair.rejected_better, log_interval(e1, e2));
    let tie = surprise(pair.tie, log_interval(e2, e3));
    let better = surprise(pair.chosen_better, log_interval(e3, e4));
    let much_better = surprise(pair.chosen_much_better, log_interval(e4, 1e9));
    (much_worse + worse + tie + better + much_better).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::REWARD_MEANVAR;
    use crate::given::Given;
    use crate::ir::SideTag;

    const SHARES: [&str; 5] = ["rejected_much_better", "rejected_better", "tie", "chosen_better", "chosen_much_better"];

    /// Means .4 apart, deviations .7 and .5, correlation .3.
    fn one_pair(shares: [f64; 5]) -> Given {
        let given = Given::prompts(&[SideTag::Chosen, SideTag::Rejected], 1)
            .says("reward_model", "score", Some(SideTag::Chosen), &[0.9])
            .says("reward_model", "score", Some(SideTag::Rejected), &[0.5])
            .says("reward_model", "spread", Some(SideTag::Chosen), &[0.7])
            .says("reward_model", "spread", Some(SideTag::Rejected), &[0.5]);
        SHARES.iter().zip(shares).fold(given, |given, (name, share)| given.says("annotated", name, None, &[share]))
    }
    const SETTINGS: [(&str, f64); 1] = [("correlation", 0.3)];

    #[test]
    fn an_annotator_of_one_mind_costs_minus_the_logarithm_of_his_interval() {
        let expected = [0.004_529_087_111, 0.103_654_653_018, 0.446_443_359_405, 0.379_974_369_563, 0.065_398_530_903];
        for (i, probability) in expected.into_iter().enumerate() {
            let mut shares = [0.0; 5];
            shares[i] = 1.0;
            one_pair(shares).check(&REWARD_MEANVAR, &SETTINGS, -f64::ln(probability));
        }
    }
    #[test]
    fn annotators_divided_as_expected_cost_and_push_nothing() {
        let as_expected =
            one_pair([0.004_529_087_111, 0.103_654_653_018, 0.446_443_359_405, 0.379_974_369_563, 0.065_398_530_903]);
        as_expected.check(&REWARD_MEANVAR, &SETTINGS, 0.0);
        for (field, side) in [("score", SideTag::Chosen), ("spread", SideTag::Chosen), ("spread", SideTag::Rejected)] {
            as_expected.check_gradient_by(&REWARD_MEANVAR, &SETTINGS, ("reward_model", field, side), &[0.0]);
        }
    }
    #[test]
    fn divided_annotators_cost_and_push_as_an_independent_script_says() {
        let divided = one_pair([0.1, 0.2, 0.0, 0.3, 0.4]);
        divided.check(&REWARD_MEANVAR, &SETTINGS, 1.094_405_008_847);
        let by = |field, side| ("reward_model", field, side);
        divided.check_gradient_by(&REWARD_MEANVAR, &SETTINGS, by("score", SideTag::Chosen), &[-0.501_886_171_366]);
        divided.check_gradient_by(&REWARD_MEANVAR, &SETTINGS, by("score", SideTag::Rejected), &[0.501_886_171_366]);
        divided.check_gradient_by(&REWARD_MEANVAR, &SETTINGS, by("spread", SideTag::Chosen), &[-2.290_939_572_07]);
        divided.check_gradient_by(&REWARD_MEANVAR, &SETTINGS, by("spread", SideTag::Rejected), &[-1.207_949_956_182]);
    }
}

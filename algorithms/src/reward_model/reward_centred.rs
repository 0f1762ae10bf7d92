//! Reward model, Bradley-Terry with centred scores: arXiv:2312.09244, section 3, equation 2.
//!
//! Only differences of scores matter to Bradley-Terry, so all of them may drift together. A small price on the square of
//! their sum keeps them around zero:
//!
//! ```text
//! L = mean over pairs of - log sigmoid(r(w) - r(l)) + center_rewards_coefficient (r(w) + r(l))^2
//! ```

crate::prelude!();

/// Hyper-parameters of [`reward_centred`].
#[derive(Hyper)]
pub struct RewardCentred {
    /// The price of scores that are not around zero.
    #[hyper(default = 0.01, at_least = 0.0, at_most = 10.0)]
    pub center_rewards_coefficient: Param,
}

/// A Bradley-Terry reward model whose scores stay around zero.
#[algorithm(paper = "arXiv:2312.09244")]
pub fn reward_centred(model: &RewardModel, pair: &Pair, hp: &RewardCentred) -> Scalar<Loss> {
    let (chosen, rejected) = (model.score(pair.chosen), model.score(pair.rejected));
    let off_centre = (chosen + rejected).squared();
    (-log_sigmoid(chosen - rejected) + hp.center_rewards_coefficient * off_centre).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::REWARD_CENTRED;
    use crate::ir::SideTag;
    use crate::reward_model::given::pairs;

    #[test]
    fn a_sum_that_is_not_zero_costs_its_square() {
        // The scores are 1.2 and .4: the loss of the lead and a tenth of 1.6 squared.
        let settings = [("center_rewards_coefficient", 0.1)];
        pairs(&[0.8]).check(&REWARD_CENTRED, &settings, 0.371_100_665_9 + 0.256);
        let (slope, pull) = (-0.310_025_518_9, 0.2 * 1.6);
        let by = |side| ("reward_model", "score", side);
        pairs(&[0.8]).check_gradient_by(&REWARD_CENTRED, &settings, by(SideTag::Chosen), &[slope + pull]);
        pairs(&[0.8]).check_gradient_by(&REWARD_CENTRED, &settings, by(SideTag::Rejected), &[-slope + pull]);
    }
}

//! Reward model, Bradley-Terry: arXiv:2203.02155, equation 1.
//!
//! The chosen response wins with probability `sigmoid(r(w) - r(l))`:
//!
//! ```text
//! L = - mean over pairs of log sigmoid(r(w) - r(l))
//! ```

crate::prelude!();

/// A Bradley-Terry reward model: gives the chosen response more than the rejected one.
#[algorithm(paper = "arXiv:2203.02155")]
pub fn reward_bt(model: &RewardModel, pair: &Pair) -> Scalar<Loss> {
    -log_sigmoid(model.score(pair.chosen) - model.score(pair.rejected)).mean(Prompt)
}

/// Hyper-parameters of [`reward_bt_trl`].
#[derive(Hyper)]
pub struct RewardBtTrl {
    /// The price of scores that are not around zero.
    #[hyper(default = 0.0, at_least = 0.0, at_most = 10.0)]
    pub center_rewards_coefficient: Param,
}

/// TRL's reward model: the column `margin` is taken from the lead, and scores may be kept around zero. Where TRL's data
/// has no margin this is `reward_centred`.
#[algorithm(
    paper = "arXiv:2307.09288",
    preset = "reward_bt@trl",
    source = "TRL, trl/trainer/reward_trainer.py, f2cd5771"
)]
pub fn reward_bt_trl(model: &RewardModel, pair: &Pair, hp: &RewardBtTrl) -> Scalar<Loss> {
    let (chosen, rejected) = (model.score(pair.chosen), model.score(pair.rejected));
    let off_centre = (chosen + rejected).squared().mean(Prompt);
    -log_sigmoid(chosen - rejected - pair.margin).mean(Prompt) + hp.center_rewards_coefficient * off_centre
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reward_model::given::{check_slopes, pairs};

    #[test]
    fn a_lead_costs_and_pushes_as_the_formula_says() {
        pairs(&[0.8]).check(&REWARD_BT, &[], 0.371_100_665_9);
        pairs(&[0.0, 0.8]).check(&REWARD_BT, &[], (std::f64::consts::LN_2 + 0.371_100_665_9) / 2.0);
        // sigmoid(.8) - 1, sigmoid(-.5) - 1
        check_slopes(&pairs(&[0.8, -0.5]), &REWARD_BT, &[], &[-0.310_025_518_9, -0.622_459_331_2]);
    }
    #[test]
    fn trl_takes_the_margin_from_the_lead_and_may_keep_scores_around_zero() {
        let pair = pairs(&[0.8]).says("pair", "margin", None, &[2.0]);
        pair.check(&REWARD_BT_TRL, &[], 1.463_282_467_3);
        pair.check(&REWARD_BT_TRL, &[("center_rewards_coefficient", 0.1)], 1.463_282_467_3 + 0.256);
    }
}

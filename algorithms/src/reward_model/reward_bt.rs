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
}

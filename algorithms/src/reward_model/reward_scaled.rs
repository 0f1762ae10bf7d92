//! Reward model, scaled Bradley-Terry: arXiv:2410.01257, section 3.1.
//!
//! The column `margin` says how much better the chosen response is, e.g. 1, 2 or 3; a pair counts that many times:
//!
//! ```text
//! L = - mean over pairs of m log sigmoid(r(w) - r(l))
//! ```

crate::prelude!();

/// A Bradley-Terry reward model in which a pair counts as often as its margin says.
#[algorithm(paper = "arXiv:2410.01257")]
pub fn reward_scaled(model: &RewardModel, pair: &Pair) -> Scalar<Loss> {
    let lead = model.score(pair.chosen) - model.score(pair.rejected);
    -(pair.margin.as_weight() * log_sigmoid(lead)).mean(Prompt)
}

/// NeMo-Aligner's: the size of the margin counts, since its sign there says which of the two responses was preferred.
#[algorithm(
    paper = "arXiv:2410.01257",
    preset = "reward_scaled@nemo_aligner",
    source = "NeMo-Aligner, megatron_gpt_reward_model.py, scaled_bt, af2b3bd9"
)]
pub fn reward_scaled_nemo_aligner(model: &RewardModel, pair: &Pair) -> Scalar<Loss> {
    let lead = model.score(pair.chosen) - model.score(pair.rejected);
    -(pair.margin.abs().as_weight() * log_sigmoid(lead)).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reward_model::given::{check_slopes, pairs};

    #[test]
    fn a_lead_costs_as_many_times_as_the_margin_says() {
        for (margin, loss) in [(1.0, 0.371_100_665_9), (2.0, 0.742_201_331_9), (3.0, 1.113_301_997_8)] {
            pairs(&[0.8]).says("pair", "margin", None, &[margin]).check(&REWARD_SCALED, &[], loss);
        }
    }
    #[test]
    fn nemo_aligner_takes_the_size_of_the_margin() {
        let pair = pairs(&[0.8]).says("pair", "margin", None, &[-2.0]);
        pair.check(&REWARD_SCALED_NEMO_ALIGNER, &[], 0.742_201_331_9);
    }
    #[test]
    fn a_margin_of_two_pushes_as_the_pair_twice() {
        let two = pairs(&[0.8, -0.5]).says("pair", "margin", None, &[2.0, 1.0]);
        check_slopes(&two, &REWARD_SCALED, &[], &[2.0 * -0.310_025_518_9, -0.622_459_331_2]);
    }
}

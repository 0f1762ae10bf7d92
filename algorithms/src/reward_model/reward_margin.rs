//! Reward model, Bradley-Terry with a margin: arXiv:2307.09288, equation 2; one of the three losses of
//! arXiv:2410.01257.
//!
//! The column `margin` says how much better the chosen response is, e.g. 1, 2 or 3; the scores must differ by as much:
//!
//! ```text
//! L = - mean over pairs of log sigmoid(r(w) - r(l) - m)
//! ```

crate::prelude!();

/// A Bradley-Terry reward model whose scores must differ by the annotators' margin.
#[algorithm(paper = "arXiv:2410.01257")]
pub fn reward_margin(model: &RewardModel, pair: &Pair) -> Scalar<Loss> {
    let lead = model.score(pair.chosen) - model.score(pair.rejected);
    -log_sigmoid(lead - pair.margin).mean(Prompt)
}

/// NeMo-Aligner's: the size of the margin counts, since its sign there says which of the two responses was preferred.
#[algorithm(
    paper = "arXiv:2410.01257",
    preset = "reward_margin@nemo_aligner",
    source = "NeMo-Aligner, megatron_gpt_reward_model.py, margin_bt, af2b3bd9"
)]
pub fn reward_margin_nemo_aligner(model: &RewardModel, pair: &Pair) -> Scalar<Loss> {
    let lead = model.score(pair.chosen) - model.score(pair.rejected);
    -log_sigmoid(lead - pair.margin.abs()).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reward_model::given::{check_slopes, pairs};

    #[test]
    fn a_lead_costs_more_the_larger_the_margin() {
        for (margin, loss) in [(1.0, 0.798_138_869_4), (2.0, 1.463_282_467_3), (3.0, 2.305_083_319_8)] {
            pairs(&[0.8]).says("pair", "margin", None, &[margin]).check(&REWARD_MARGIN, &[], loss);
        }
    }
    #[test]
    fn nemo_aligner_takes_the_size_of_the_margin() {
        let pair = pairs(&[0.8]).says("pair", "margin", None, &[-2.0]);
        pair.check(&REWARD_MARGIN_NEMO_ALIGNER, &[], 1.463_282_467_3);
    }
    #[test]
    fn the_slope_is_that_of_the_lead_less_the_margin() {
        // sigmoid(-.2) - 1, sigmoid(-1.2) - 1
        let two = pairs(&[0.8, 0.8]).says("pair", "margin", None, &[1.0, 2.0]);
        check_slopes(&two, &REWARD_MARGIN, &[], &[-0.549_833_997_3, -0.768_524_783_5]);
    }
}

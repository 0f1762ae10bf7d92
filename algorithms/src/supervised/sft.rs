//! Supervised fine-tuning: the likelihood of good responses.
//!
//! ```text
//! L = - (1 / number of tokens) sum over all tokens y_t of the batch of log pi(y_t | x, y_<t)
//! ```
//!
//! The mean is over the tokens of the optimizer's batch, so that a long response weighs more than a short one, as in
//! the usual cross-entropy of a language model. The last stage of arXiv:2203.02155 (section 3.5) before preferences.

crate::prelude!();

/// Supervised fine-tuning: raises the likelihood of every token of the demonstrations.
#[algorithm(paper = "arXiv:2203.02155")]
pub fn sft(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    -actor.logp(demo.response).batch_mean()
}

/// TRL's `loss_type="sft"` among its preference losses: the likelihood of the chosen tokens; the others are not read.
#[algorithm(
    paper = "arXiv:2203.02155",
    preset = "sft@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type sft"
)]
pub fn sft_trl(actor: &Actor, pair: &Pair) -> Scalar<Loss> {
    -actor.logp(pair.chosen).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::{SFT, SFT_TRL};
    use crate::given::{Given, three_pairs};
    use crate::ir::SideTag;

    fn two_demonstrations() -> Given {
        Given::default().response(SideTag::Answer, 0, ("actor", &[-1.0, -2.0, -3.0])).response(
            SideTag::Answer,
            1,
            ("actor", &[-4.0]),
        )
    }
    #[test]
    fn every_token_weighs_the_same() {
        two_demonstrations().check(&SFT, &[], 2.5);
    }
    #[test]
    fn every_token_is_pushed_alike() {
        two_demonstrations().check_gradient(&SFT, &[], SideTag::Answer, &[-0.25; 4]);
    }
    #[test]
    fn on_pairs_the_chosen_tokens_count() {
        three_pairs().check(&SFT_TRL, &[], 11.5 / 11.0);
    }
}

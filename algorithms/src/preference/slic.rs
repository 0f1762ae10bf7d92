//! Sequence Likelihood Calibration with human feedback, SLiC-HF, arXiv:2305.10425.
//!
//! ```text
//! L = mean over pairs of max(0, delta - log pi(w | x) + log pi(l | x)) - lambda log pi(w | x)
//! ```
//!
//! The regulariser is the likelihood of a good response; of the paper's choices, here it is the chosen one's.

crate::prelude!();
use crate::cpo::likelihood_margin;

/// Hyper-parameters of [`slic`].
#[derive(Hyper)]
pub struct Slic {
    /// By how much the chosen response's log-probability should exceed the other's.
    #[hyper(default = 1.0, above = 0.0, at_most = 1000.0)]
    pub delta: Param,
    /// Weight of the chosen response's likelihood.
    #[hyper(default = 0.1, at_least = 0.0, at_most = 100.0)]
    pub lambda: Param,
}

/// Sequence Likelihood Calibration: raises the chosen log-probability over the rejected one by a fixed amount.
#[algorithm(paper = "arXiv:2305.10425")]
pub fn slic(actor: &Actor, pair: &Pair, hp: &Slic) -> Scalar<Loss> {
    let chosen = actor.logp(pair.chosen).sum(Token);
    let margin = chosen - actor.logp(pair.rejected).sum(Token);
    max(hp.delta - margin, 0.0).as_loss().mean(Prompt) + hp.lambda * -chosen.batch_mean()
}

/// Hyper-parameters of [`slic_trl`].
#[derive(Hyper)]
pub struct SlicTrl {
    /// Scale of the log-probabilities.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// Weight of the chosen tokens' likelihood.
    #[hyper(default = 1.0, at_least = 0.0, at_most = 100.0)]
    pub cpo_alpha: Param,
}

/// TRL's `CPOTrainer` with `loss_type="hinge"`: a scale instead of the margin, and a mean over all chosen tokens.
#[algorithm(
    paper = "arXiv:2305.10425",
    preset = "slic@trl",
    source = "TRL 1.9, trl/experimental/cpo/cpo_trainer.py, f2cd5771, loss_type hinge"
)]
pub fn slic_trl(actor: &Actor, pair: &Pair, hp: &SlicTrl) -> Scalar<Loss> {
    let preference = max(1.0 - likelihood_margin(actor, pair, hp.beta), 0.0).as_loss().mean(Prompt);
    preference + hp.cpo_alpha * -actor.logp(pair.chosen).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::{SLIC, SLIC_TRL};
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        // Margins of -0.4, 20 and 20; log-probabilities of -0.5, -10 and -1, of 11 tokens.
        three_pairs().check(&SLIC, &[("delta", 1.0), ("lambda", 0.1)], 1.4 / 3.0 + 0.1 * 11.5 / 3.0);
        three_pairs().check(&SLIC_TRL, &[("beta", 0.1), ("cpo_alpha", 1.0)], 1.04 / 3.0 + 11.5 / 11.0);
    }
    #[test]
    fn a_pair_that_is_apart_is_only_made_likelier() {
        start().check_gradient(&SLIC, &[], SideTag::Chosen, &[-1.1, -1.1]);
        start().check_gradient(&SLIC, &[], SideTag::Rejected, &[1.0]);
    }
}

//! Contrastive Preference Optimization, arXiv:2401.08417.
//!
//! DPO with a uniform reference, so that none is needed, and the likelihood of the chosen response beside it
//! (equation 3 and the term after it):
//!
//! ```text
//! L = - mean over pairs of log sigmoid(beta [log pi(w | x) - log pi(l | x)]) + cpo_alpha log pi(w | x)
//! ```
//!
//! The paper has `cpo_alpha = 1`. Its `log pi(w | x)` is the whole response's; TRL has the mean over all chosen tokens.

crate::prelude!();

/// Hyper-parameters of [`cpo`].
#[derive(Hyper)]
pub struct Cpo {
    /// Scale of the log-probabilities.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// Weight of the chosen response's likelihood.
    #[hyper(default = 1.0, at_least = 0.0, at_most = 100.0)]
    pub cpo_alpha: Param,
}

/// By how much the chosen response is likelier as a whole, scaled.
#[reward]
pub fn likelihood_margin(actor: &Actor, pair: &Pair, beta: Param) -> PerPrompt<Margin> {
    let chosen = (beta * actor.logp(pair.chosen).sum(Token)).as_reward();
    let rejected = (beta * actor.logp(pair.rejected).sum(Token)).as_reward();
    chosen - rejected
}

/// Contrastive Preference Optimization: raises the chosen likelihood over the rejected one, without reference.
#[algorithm(paper = "arXiv:2401.08417")]
pub fn cpo(actor: &Actor, pair: &Pair, hp: &Cpo) -> Scalar<Loss> {
    let preference = -log_sigmoid(likelihood_margin(actor, pair, hp.beta)).mean(Prompt);
    let likelihood = -actor.logp(pair.chosen).sum(Token).batch_mean();
    preference + hp.cpo_alpha * likelihood
}

/// Hyper-parameters of [`cpo_trl`].
#[derive(Hyper)]
pub struct CpoTrl {
    /// Scale of the log-probabilities.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How often a pair is labelled the wrong way round.
    #[hyper(default = 0.0, at_least = 0.0, below = 0.5)]
    pub label_smoothing: Param,
    /// Weight of the chosen tokens' likelihood.
    #[hyper(default = 1.0, at_least = 0.0, at_most = 100.0)]
    pub cpo_alpha: Param,
}

/// TRL's `CPOTrainer`: labels may be smoothed, and the likelihood is a mean over all chosen tokens of the batch.
#[algorithm(
    paper = "arXiv:2401.08417",
    preset = "cpo@trl",
    source = "TRL 1.9, trl/experimental/cpo/cpo_trainer.py, f2cd5771, loss_type sigmoid"
)]
pub fn cpo_trl(actor: &Actor, pair: &Pair, hp: &CpoTrl) -> Scalar<Loss> {
    let margin = likelihood_margin(actor, pair, hp.beta);
    let right = (1.0 - hp.label_smoothing) * log_sigmoid(margin);
    let wrong = hp.label_smoothing * log_sigmoid(-margin);
    -(right + wrong).mean(Prompt) + hp.cpo_alpha * -actor.logp(pair.chosen).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::{CPO, CPO_TRL};
    use crate::eval::logistic;
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&CPO, &[("beta", 0.1), ("cpo_alpha", 0.0)], 0.322_401_063);
        three_pairs().check(&CPO_TRL, &[("beta", 0.1), ("cpo_alpha", 0.0)], 0.322_401_063);
    }
    #[test]
    fn the_likelihood_is_the_response_s_in_the_paper_and_the_token_s_in_trl() {
        three_pairs().check(&CPO, &[("beta", 0.1)], 0.322_401_063 + 11.5 / 3.0);
        three_pairs().check(&CPO_TRL, &[("beta", 0.1)], 0.322_401_063 + 11.5 / 11.0);
    }
    #[test]
    fn tokens_are_pushed_by_both_terms() {
        // log pi(w) = -3, log pi(l) = -0.5.
        let slope = 0.1 * logistic(0.25);
        start().check_gradient(&CPO, &[], SideTag::Chosen, &[-slope - 1.0, -slope - 1.0]);
        start().check_gradient(&CPO, &[], SideTag::Rejected, &[slope]);
        start().check_gradient(&CPO_TRL, &[], SideTag::Chosen, &[-slope - 0.5, -slope - 0.5]);
    }
}

//! DPO and the likelihood of the chosen response, Iterative Reasoning Preference Optimization, arXiv:2404.19733.
//!
//! With the margin `a = beta [h(w) - h(l)]`, `h(y) = log(pi(y | x) / pi_ref(y | x))` (equation 1):
//!
//! ```text
//! L = - mean over pairs of (1 / |w|) log pi(w | x) + alpha log sigmoid(a)
//! ```
//!
//! TRL has called this "RPO" after its option `rpo_alpha`, with the weight on the likelihood instead. It has nothing to
//! do with Reward-aware Preference Optimization.

crate::prelude!();
use crate::dpo::margin;

/// Hyper-parameters of [`dpo_sft`].
#[derive(Hyper)]
pub struct DpoSft {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// Weight of the preference.
    #[hyper(default = 1.0, at_least = 0.0, at_most = 100.0)]
    pub alpha: Param,
}

/// DPO and the likelihood of the chosen response: keeps the chosen response likely while the margin grows.
#[algorithm(paper = "arXiv:2404.19733")]
pub fn dpo_sft(actor: &Actor, reference: &Reference, pair: &Pair, hp: &DpoSft) -> Scalar<Loss> {
    let preference = -log_sigmoid(margin(actor, reference, pair.chosen, pair.rejected, hp.beta)).mean(Prompt);
    let likelihood = -actor.logp(pair.chosen).mean(Token).batch_mean();
    likelihood + hp.alpha * preference
}

/// Hyper-parameters of [`rpo_trl`].
#[derive(Hyper)]
pub struct RpoTrl {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// Weight of the chosen tokens' likelihood.
    #[hyper(default = 1.0, at_least = 0.0, at_most = 100.0)]
    pub rpo_alpha: Param,
}

/// TRL's "RPO": DPO and the likelihood of the chosen tokens. No reward, and no relative of `rpo-bwd`.
#[algorithm(
    paper = "arXiv:2404.19733",
    preset = "rpo@trl",
    source = "TRL up to 0.2x rpo_alpha, since then loss_type [sigmoid, sft], trl/trainer/dpo_trainer.py, f2cd5771"
)]
pub fn rpo_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &RpoTrl) -> Scalar<Loss> {
    let preference = -log_sigmoid(margin(actor, reference, pair.chosen, pair.rejected, hp.beta)).mean(Prompt);
    preference + hp.rpo_alpha * -actor.logp(pair.chosen).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::{DPO_SFT, RPO_TRL};
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        // Mean log-probabilities of a token of -1/8, -2 and -1/2.
        three_pairs().check(&DPO_SFT, &[("beta", 0.1), ("alpha", 2.0)], 0.875 + 2.0 * 0.377_778_96);
    }
    #[test]
    fn trl_weighs_the_likelihood_and_takes_its_mean_over_all_tokens() {
        three_pairs().check(&RPO_TRL, &[("beta", 0.1), ("rpo_alpha", 2.0)], 0.377_778_96 + 2.0 * 11.5 / 11.0);
    }
    #[test]
    fn chosen_tokens_are_pushed_by_both_terms() {
        start().check_gradient(&DPO_SFT, &[], SideTag::Chosen, &[-0.55, -0.55]);
        start().check_gradient(&DPO_SFT, &[], SideTag::Rejected, &[0.05]);
    }
}

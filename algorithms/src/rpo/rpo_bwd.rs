//! Reward-aware Preference Optimization with the backward KL divergence, arXiv:2502.00203.
//!
//! The learned gap `a = beta [h(w) - h(l)]`, with `h(y) = log(pi(y | x) / pi_ref(y | x))`, follows the judged gap
//! `b = eta [s(w) - s(l)]`, with `s` the score a judge gave (NeMo-Aligner's `rpo_bwd_kl`):
//!
//! ```text
//! L = mean over pairs of KL(sigmoid(b) || sigmoid(a))
//!   = mean over pairs of s(b) [ls(b) - ls(a)] + s(-b) [ls(-b) - ls(-a)],   s = sigmoid, ls = log sigmoid
//! ```
//!
//! The judged preference is the first argument: this is the cross-entropy with the soft label `sigmoid(b)` less the
//! entropy of that label. As `eta` grows it becomes DPO.

crate::prelude!();
use crate::dpo::implicit;
use crate::rpo_sq::ScoredNemoAligner;

/// Hyper-parameters of [`rpo_bwd`].
#[derive(Hyper)]
pub struct RpoBwd {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How large a judged point is as a reward.
    #[hyper(default = 1.0, above = 0.0, at_most = 1e6)]
    pub eta: Param,
}

/// Reward-aware Preference Optimization, backward KL: the learned preference follows the judged one.
#[algorithm(paper = "arXiv:2502.00203")]
pub fn rpo_bwd(actor: &Actor, reference: &Reference, pair: &ScoredPair, hp: &RpoBwd) -> Scalar<Loss> {
    let chosen = implicit(actor, reference, pair.chosen, hp.beta);
    let rejected = implicit(actor, reference, pair.rejected, hp.beta);
    let judged = hp.eta * (pair.chosen_score - pair.rejected_score);
    backward_kl(chosen - rejected, judged).mean(Prompt)
}

/// NeMo-Aligner's `preference_loss: rpo_bwd_kl`: the log-probability of whole chosen responses beside it if wanted.
#[algorithm(
    paper = "arXiv:2502.00203",
    preset = "rpo_bwd@nemo_aligner",
    source = "NeMo-Aligner, nemo_aligner/models/nlp/gpt/megatron_gpt_dpo_model.py, af2b3bd9"
)]
pub fn rpo_bwd_nemo_aligner(
    actor: &Actor,
    reference: &Reference,
    pair: &ScoredPair,
    hp: &ScoredNemoAligner,
) -> Scalar<Loss> {
    let preference = rpo_bwd(actor, reference, pair, &RpoBwd { beta: hp.beta, eta: hp.gt_reward_scale });
    let likelihood = -actor.logp(pair.chosen).sum(Token).batch_mean();
    hp.preference_loss_weight * preference + hp.sft_loss_weight * likelihood
}

#[cfg(test)]
mod tests {
    use super::{RPO_BWD, RPO_BWD_NEMO_ALIGNER};
    use crate::given::{Given, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&RPO_BWD, &[("beta", 0.1), ("eta", 1.0)], 0.282_632_821);
    }
    #[test]
    fn nemo_aligner_adds_the_likelihood_of_whole_responses() {
        let settings = [("beta", 0.1), ("preference_loss_weight", 2.0), ("sft_loss_weight", 0.3)];
        three_pairs().check(&RPO_BWD_NEMO_ALIGNER, &settings, 2.0 * 0.282_632_821 + 0.3 * 11.5 / 3.0);
    }
    #[test]
    fn one_pair_costs_the_distance_and_is_pushed_by_its_slope() {
        // Ours 0.8, judged 1.5.
        let pair = Given::pair(("actor", &[-1.0, -1.0]), ("actor", &[-5.0]))
            .also(("reference", &[-3.0, -3.0]), ("reference", &[-1.0]));
        let pair = pair.scores(&[2.0], &[1.5]);
        let settings = [("beta", 0.1), ("eta", 3.0)];
        pair.check(&RPO_BWD, &settings, 0.041_989_521_3);
        let slope = 0.1 * (crate::eval::logistic(0.8) - crate::eval::logistic(1.5));
        pair.check_gradient(&RPO_BWD, &settings, SideTag::Chosen, &[slope, slope]);
        pair.check_gradient(&RPO_BWD, &settings, SideTag::Rejected, &[-slope]);
    }
}

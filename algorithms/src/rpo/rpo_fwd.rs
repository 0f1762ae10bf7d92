//! Reward-aware Preference Optimization with the forward KL divergence, arXiv:2502.00203.
//!
//! The learned gap `a = beta [h(w) - h(l)]`, with `h(y) = log(pi(y | x) / pi_ref(y | x))`, follows the judged gap
//! `b = eta [s(w) - s(l)]`, with `s` the score a judge gave (NeMo-Aligner's `rpo_fwd_kl`):
//!
//! ```text
//! L = mean over pairs of KL(sigmoid(a) || sigmoid(b))
//!   = mean over pairs of s(a) [ls(a) - ls(b)] + s(-a) [ls(-a) - ls(-b)],   s = sigmoid, ls = log sigmoid
//! ```
//!
//! The learned preference is the first argument. Its slope vanishes where `a` is large: it can stall where the
//! backward form does not.

crate::prelude!();
use crate::dpo::implicit;
use crate::rpo_sq::ScoredNemoAligner;

/// Hyper-parameters of [`rpo_fwd`].
#[derive(Hyper)]
pub struct RpoFwd {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How large a judged point is as a reward.
    #[hyper(default = 1.0, above = 0.0, at_most = 1e6)]
    pub eta: Param,
}

/// Reward-aware Preference Optimization, forward KL: the learned preference follows the judged one.
#[algorithm(paper = "arXiv:2502.00203")]
pub fn rpo_fwd(actor: &Actor, reference: &Reference, pair: &ScoredPair, hp: &RpoFwd) -> Scalar<Loss> {
    let chosen = implicit(actor, reference, pair.chosen, hp.beta);
    let rejected = implicit(actor, reference, pair.rejected, hp.beta);
    let judged = hp.eta * (pair.chosen_score - pair.rejected_score);
    forward_kl(chosen - rejected, judged).mean(Prompt)
}

/// NeMo-Aligner's `preference_loss: rpo_fwd_kl`: the log-probability of whole chosen responses beside it if wanted.
#[algorithm(
    paper = "arXiv:2502.00203",
    preset = "rpo_fwd@nemo_aligner",
    source = "NeMo-Aligner, nemo_aligner/models/nlp/gpt/megatron_gpt_dpo_model.py, af2b3bd9"
)]
pub fn rpo_fwd_nemo_aligner(
    actor: &Actor,
    reference: &Reference,
    pair: &ScoredPair,
    hp: &ScoredNemoAligner,
) -> Scalar<Loss> {
    let preference = rpo_fwd(actor, reference, pair, &RpoFwd { beta: hp.beta, eta: hp.gt_reward_scale });
    let likelihood = -actor.logp(pair.chosen).sum(Token).batch_mean();
    hp.preference_loss_weight * preference + hp.sft_loss_weight * likelihood
}

#[cfg(test)]
mod tests {
    use super::{RPO_FWD, RPO_FWD_NEMO_ALIGNER};
    use crate::given::{Given, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&RPO_FWD, &[("beta", 0.1), ("eta", 1.0)], 0.231_866_92);
    }
    #[test]
    fn nemo_aligner_adds_the_likelihood_of_whole_responses() {
        let settings = [("beta", 0.1), ("preference_loss_weight", 2.0), ("sft_loss_weight", 0.3)];
        three_pairs().check(&RPO_FWD_NEMO_ALIGNER, &settings, 2.0 * 0.231_866_92 + 0.3 * 11.5 / 3.0);
    }
    #[test]
    fn one_pair_costs_the_distance_and_is_pushed_by_its_slope() {
        // Ours 0.8, judged 1.5.
        let pair = Given::pair(("actor", &[-1.0, -1.0]), ("actor", &[-5.0]))
            .also(("reference", &[-3.0, -3.0]), ("reference", &[-1.0]));
        let pair = pair.scores(&[2.0], &[1.5]);
        let settings = [("beta", 0.1), ("eta", 3.0)];
        pair.check(&RPO_FWD, &settings, 0.047_330_475_2);
        let slope = 0.1 * crate::eval::logistic(0.8) * crate::eval::logistic(-0.8) * (0.8 - 1.5);
        pair.check_gradient(&RPO_FWD, &settings, SideTag::Chosen, &[slope, slope]);
        pair.check_gradient(&RPO_FWD, &settings, SideTag::Rejected, &[-slope]);
    }
}

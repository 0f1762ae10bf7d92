//! Length-Desensitised DPO, arXiv:2409.06411.
//!
//! The tokens that a response has beyond the length of the other one of its pair count only `ld_alpha`: with
//! `n = min(|w|, |l|)`
//!
//! ```text
//! log pi'(y) = sum over t <= n of log pi(y_t) + ld_alpha sum over t > n of log pi(y_t)
//! L          = - mean over pairs of log sigmoid(beta [h(w) - h(l)]),   h(y) = log(pi'(y | x) / pi'_ref(y | x))
//! ```
//!
//! With `ld_alpha = 1` it is DPO. Others differ: LLaMA-Factory changes the policy's log-probabilities only, so that the
//! loss before the first step is not log 2.

crate::prelude!();
use crate::relation::Facing;

/// Hyper-parameters of [`ld_dpo`].
#[derive(Hyper)]
pub struct LdDpo {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How much a token counts that the other response of the pair is too short to have.
    #[hyper(default = 0.5, at_least = 0.0, at_most = 1.0)]
    pub ld_alpha: Param,
}

/// What each token counts: 1 as long as the other response has such a token, then `alpha`.
#[reward]
pub fn counts<Y: Side, Z: Side + Facing<Y>>(y: Reply<Y>, other: Reply<Z>, alpha: Param) -> PerToken<Weight, Y, NoGrad> {
    alpha + (1.0 - alpha) * overlap(y, other)
}

/// Length-Desensitised DPO: tokens that the other response is too short to have count less.
#[algorithm(paper = "arXiv:2409.06411")]
pub fn ld_dpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &LdDpo) -> Scalar<Loss> {
    let chosen = actor.logp(pair.chosen) - reference.logp(pair.chosen);
    let rejected = actor.logp(pair.rejected) - reference.logp(pair.rejected);
    let chosen = hp.beta * (counts(pair.chosen, pair.rejected, hp.ld_alpha) * chosen).sum(Token);
    let rejected = hp.beta * (counts(pair.rejected, pair.chosen, hp.ld_alpha) * rejected).sum(Token);
    -log_sigmoid(chosen - rejected).mean(Prompt)
}

/// TRL's `ld_alpha`: the same formula.
#[algorithm(
    paper = "arXiv:2409.06411",
    preset = "ld_dpo@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type sigmoid with ld_alpha"
)]
pub fn ld_dpo_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &LdDpo) -> Scalar<Loss> {
    ld_dpo(actor, reference, pair, hp)
}

/// LLaMA-Factory's `ld_alpha`: tokens of the policy count less, those of the reference do not.
#[algorithm(
    paper = "arXiv:2409.06411",
    preset = "ld_dpo@llamafactory",
    source = "LLaMA-Factory 0.9.5, src/llamafactory/train/dpo/trainer.py, ff6d4d12",
    except = "start: policy and reference do not cancel where only the policy's tokens count less"
)]
pub fn ld_dpo_llamafactory(actor: &Actor, reference: &Reference, pair: &Pair, hp: &LdDpo) -> Scalar<Loss> {
    let chosen = (counts(pair.chosen, pair.rejected, hp.ld_alpha) * actor.logp(pair.chosen)).sum(Token);
    let rejected = (counts(pair.rejected, pair.chosen, hp.ld_alpha) * actor.logp(pair.rejected)).sum(Token);
    let chosen = hp.beta * (chosen - reference.logp(pair.chosen).sum(Token));
    let rejected = hp.beta * (rejected - reference.logp(pair.rejected).sum(Token));
    -log_sigmoid(chosen - rejected).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{log_logistic, logistic};
    use crate::given::{Given, start, three_pairs};
    use crate::ir::SideTag;

    fn one_pair() -> Given {
        Given::pair(("actor", &[-1.0, -2.0, -3.0]), ("actor", &[-4.0]))
            .also(("reference", &[-2.0, -2.5, -3.25]), ("reference", &[-3.0]))
    }
    #[test]
    fn tokens_beyond_the_other_response_count_less() {
        // Log-ratios 1, 0.5 and 0.25 against -1.
        one_pair().check(&LD_DPO, &[("beta", 0.1), ("ld_alpha", 0.4)], -log_logistic(0.1 * (1.0 + 0.4 * 0.75 + 1.0)));
        let slope = 0.1 * logistic(-0.23);
        let settings = [("beta", 0.1), ("ld_alpha", 0.4)];
        one_pair().check_gradient(&LD_DPO, &settings, SideTag::Chosen, &[-slope, -0.4 * slope, -0.4 * slope]);
        one_pair().check_gradient(&LD_DPO_TRL, &settings, SideTag::Rejected, &[slope]);
    }
    #[test]
    fn in_llama_factory_they_do_so_for_the_policy_alone() {
        // -1 - 0.4 * 5 + 7.75 against -4 + 3.
        let settings = [("beta", 0.1), ("ld_alpha", 0.4)];
        one_pair().check(&LD_DPO_LLAMAFACTORY, &settings, -log_logistic(0.1 * (4.75 + 1.0)));
        assert!((start().loss(&LD_DPO_LLAMAFACTORY, &settings) - std::f64::consts::LN_2).abs() > 0.01);
    }
    #[test]
    fn where_all_count_alike_it_is_dpo() {
        three_pairs().check(&LD_DPO, &[("beta", 0.1), ("ld_alpha", 1.0)], 0.377_778_96);
        three_pairs().check(&LD_DPO_LLAMAFACTORY, &[("beta", 0.1), ("ld_alpha", 1.0)], 0.377_778_96);
    }
}

//! Length-normalised DPO, as Tülu 3 trains with it: arXiv:2411.15124, section 5.
//!
//! ```text
//! L = - mean over pairs of log sigmoid(beta h(w) / |w| - beta h(l) / |l|),   h(y) = log(pi(y | x) / pi_ref(y | x))
//! ```
//!
//! The log-ratio is a mean over the response's tokens: a long response has no larger reward for its length. The same
//! `beta` holds less than in DPO, by about the length of a response.

crate::prelude!();

/// Hyper-parameters of [`dpo_norm`].
#[derive(Hyper)]
pub struct DpoNorm {
    /// How strongly the policy is held to the reference, by the token.
    #[hyper(default = 0.1, above = 0.0, at_most = 100.0)]
    pub beta: Param,
}

/// `beta` times the mean log-ratio of a token.
#[reward]
pub fn mean_implicit<Y: Side>(
    actor: &Actor,
    reference: &Reference,
    y: Reply<Y>,
    beta: Param,
) -> PerResponse<Reward, Y> {
    beta * (actor.logp(y) - reference.logp(y)).mean(Token)
}

/// Length-normalised DPO: the implicit reward is a mean over the tokens of the response.
#[algorithm(paper = "arXiv:2411.15124")]
pub fn dpo_norm(actor: &Actor, reference: &Reference, pair: &Pair, hp: &DpoNorm) -> Scalar<Loss> {
    let chosen = mean_implicit(actor, reference, pair.chosen, hp.beta);
    let rejected = mean_implicit(actor, reference, pair.rejected, hp.beta);
    -log_sigmoid(chosen - rejected).mean(Prompt)
}

/// TRL's `loss_type="sigmoid_norm"`: the same formula.
#[algorithm(
    paper = "arXiv:2411.15124",
    preset = "dpo_norm@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type sigmoid_norm"
)]
pub fn dpo_norm_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &DpoNorm) -> Scalar<Loss> {
    dpo_norm(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::DPO_NORM;
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&DPO_NORM, &[("beta", 0.1)], 0.637_148_76);
    }
    #[test]
    fn a_long_response_is_pushed_less_at_each_token() {
        start().check_gradient(&DPO_NORM, &[], SideTag::Chosen, &[-0.025, -0.025]);
        start().check_gradient(&DPO_NORM, &[], SideTag::Rejected, &[0.05]);
    }
}

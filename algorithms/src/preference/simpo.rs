//! Simple Preference Optimization, arXiv:2405.14734.
//!
//! With the reward `r(y) = (beta / |y|) log pi(y | x)`, the mean over the response's tokens, and no reference
//! (equation 6):
//!
//! ```text
//! L = - mean over pairs of log sigmoid(r(w) - r(l) - gamma)
//! ```
//!
//! `simpo_gamma` is the paper's gamma, as in TRL. The authors' scripts take `gamma / beta` instead: the same number
//! there means another loss.

crate::prelude!();

/// Hyper-parameters of [`simpo`].
#[derive(Hyper)]
pub struct Simpo {
    /// Scale of the reward.
    #[hyper(default = 2.0, above = 0.0, at_most = 100.0)]
    pub beta: Param,
    /// By how much the chosen response's reward should exceed the other's.
    #[hyper(default = 0.5, at_least = 0.0, at_most = 100.0)]
    pub simpo_gamma: Param,
}

/// The mean log-probability of a token, scaled: long responses are not favoured.
#[reward]
pub fn mean_logp<Y: Side>(actor: &Actor, y: Reply<Y>, beta: Param) -> PerResponse<Reward, Y> {
    (beta * actor.logp(y).mean(Token)).as_reward()
}

/// Simple Preference Optimization: raises the mean log-probability of the chosen response over the rejected one's.
#[algorithm(paper = "arXiv:2405.14734")]
pub fn simpo(actor: &Actor, pair: &Pair, hp: &Simpo) -> Scalar<Loss> {
    let margin = mean_logp(actor, pair.chosen, hp.beta) - mean_logp(actor, pair.rejected, hp.beta);
    -log_sigmoid(margin - hp.simpo_gamma).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::SIMPO;
    use crate::given::{Given, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&SIMPO, &[("beta", 2.0), ("simpo_gamma", 0.5)], 0.405_984_501);
    }
    #[test]
    fn a_long_response_is_pushed_less_at_each_token() {
        let equal = Given::pair(("actor", &[-1.0; 4]), ("actor", &[-1.0]));
        equal.check_gradient(&SIMPO, &[("simpo_gamma", 0.0)], SideTag::Chosen, &[-0.25; 4]);
        equal.check_gradient(&SIMPO, &[("simpo_gamma", 0.0)], SideTag::Rejected, &[1.0]);
    }
}

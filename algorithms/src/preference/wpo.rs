//! Weighted Preference Optimization, arXiv:2406.11827.
//!
//! Pairs that the policy would not write itself count less. With the implicit margin
//! `a = beta [h(w) - h(l)]`, `h(y) = log(pi(y | x) / pi_ref(y | x))`, and weights that are constants (equation 2, with
//! the expected probability of a word that is drawn, so that a policy's own sample weighs about 1):
//!
//! ```text
//! v(y) = exp((1 / |y|) sum over t of log(pi(y_t | x, y_<t) / sum over words u of pi(u | x, y_<t)^2))
//! L    = - mean over pairs of v(w) v(l) log sigmoid(a)
//! ```
//!
//! The sum is over the whole vocabulary at each token.

crate::prelude!();
use crate::dpo::margin;

/// Hyper-parameters of [`wpo`].
#[derive(Hyper)]
pub struct Wpo {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// `log v(y)`: how much likelier each token is than one that the policy draws, on average.
#[reward]
pub fn own_voice<Y: Side>(actor: &Actor, y: Reply<Y>) -> PerResponse<LogRatio, Y, NoGrad> {
    let each = actor.words(y).exp();
    (actor.logp(y) - (each * each).sum(Vocab).ln()).detach().mean(Token)
}

/// Weighted Preference Optimization: pairs that the policy would not write itself count less.
#[algorithm(paper = "arXiv:2406.11827", except = "reaches: the vocabulary only makes the weights, which are constants")]
pub fn wpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Wpo) -> Scalar<Loss> {
    let margin = margin(actor, reference, pair.chosen, pair.rejected, hp.beta);
    let (chosen, rejected) = (own_voice(actor, pair.chosen), own_voice(actor, pair.rejected));
    let weight = (chosen.mean(Response) + rejected.mean(Response)).exp().as_weight();
    (weight * -log_sigmoid(margin)).mean(Prompt)
}

/// TRL's `use_weighting` with `loss_type="sigmoid"`: the same formula.
#[algorithm(
    paper = "arXiv:2406.11827",
    preset = "wpo@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type sigmoid with use_weighting",
    except = "reaches: the vocabulary only makes the weights, which are constants"
)]
pub fn wpo_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Wpo) -> Scalar<Loss> {
    wpo(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::{WPO, WPO_TRL};
    use crate::given::Given;
    use crate::ir::SideTag;

    /// A vocabulary of two words; the second response is one the policy would hardly write.
    fn two_words() -> Given {
        let (often, rarely) = (0.8_f64.ln(), 0.2_f64.ln());
        Given::pair(("actor", &[often, often]), ("actor", &[rarely]))
            .also(("reference", &[often, often]), ("reference", &[rarely]))
            .words("actor", SideTag::Chosen, &[&[0.8, 0.2], &[0.8, 0.2]])
            .words("actor", SideTag::Rejected, &[&[0.8, 0.2]])
    }
    #[test]
    fn a_pair_counts_as_much_as_the_policy_would_write_it() {
        let weight = (0.8 / 0.68) * (0.2 / 0.68);
        two_words().check(&WPO, &[("beta", 0.1)], weight * std::f64::consts::LN_2);
        two_words().check(&WPO_TRL, &[("beta", 0.1)], weight * std::f64::consts::LN_2);
    }
    #[test]
    fn the_weights_are_not_trained() {
        let slope = 0.05 * (0.8 / 0.68) * (0.2 / 0.68);
        two_words().check_gradient(&WPO, &[("beta", 0.1)], SideTag::Chosen, &[-slope, -slope]);
        two_words().check_gradient(&WPO, &[("beta", 0.1)], SideTag::Rejected, &[slope]);
    }
}

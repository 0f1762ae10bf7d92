//! Direct Preference Optimization, arXiv:2305.18290.
//!
//! With the implicit reward `r(y) = beta log(pi(y | x) / pi_ref(y | x))`, a chosen response `w` and a rejected `l`
//! (equation 7):
//!
//! ```text
//! L = - mean over pairs of log sigmoid(r(w) - r(l))
//! ```
//!
//! With `label_smoothing` e, the chance that a pair is labelled the wrong way round ("conservative DPO",
//! <https://ericmitchell.ai/cdpo.pdf>):
//!
//! ```text
//! L = - mean over pairs of (1 - e) log sigmoid(r(w) - r(l)) + e log sigmoid(r(l) - r(w))
//! ```

crate::prelude!();

/// Hyper-parameters of [`dpo`].
#[derive(Hyper)]
pub struct Dpo {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How often a pair is labelled the wrong way round.
    #[hyper(default = 0.0, at_least = 0.0, below = 0.5)]
    pub label_smoothing: Param,
}

/// The implicit reward `beta log(pi / pi_ref)` of a whole response.
#[reward]
pub fn implicit<Y: Side>(
    actor: &impl Trainable,
    reference: &impl Frozen,
    y: Reply<Y>,
    beta: Param,
) -> PerResponse<Reward, Y> {
    beta * (actor.logp(y) - reference.logp(y)).sum(Token)
}

/// Direct Preference Optimization: raises the implicit reward of the chosen response over the rejected one's.
#[algorithm(paper = "arXiv:2305.18290")]
pub fn dpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Dpo) -> Scalar<Loss> {
    let chosen = implicit(actor, reference, pair.chosen, hp.beta);
    let rejected = implicit(actor, reference, pair.rejected, hp.beta);
    let margin = chosen - rejected;
    let right = (1.0 - hp.label_smoothing) * log_sigmoid(margin);
    let wrong = hp.label_smoothing * log_sigmoid(-margin);
    -(right + wrong).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::DPO;
    use crate::given::{Given, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&DPO, &[("beta", 0.1)], 0.377_778_96);
        three_pairs().check(&DPO, &[("beta", 0.1), ("label_smoothing", 0.1)], 0.477_778_96);
    }
    #[test]
    fn at_the_start_every_token_is_pushed_by_half_of_beta() {
        let start = Given::pair(("actor", &[-1.0, -2.0]), ("actor", &[-0.5]))
            .also(("reference", &[-1.0, -2.0]), ("reference", &[-0.5]));
        start.check(&DPO, &[], std::f64::consts::LN_2);
        start.check_gradient(&DPO, &[], SideTag::Chosen, &[-0.05, -0.05]);
        start.check_gradient(&DPO, &[], SideTag::Rejected, &[0.05]);
    }
}

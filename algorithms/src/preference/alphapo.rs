//! AlphaPO, arXiv:2501.03884.
//!
//! SimPO with another shape of the reward. With `p(y) = exp(log pi(y | x) / |y|)`, the geometric mean of the
//! probabilities of a response's tokens:
//!
//! ```text
//! r(y) = beta [1 - p(y)^(-alpha)] / alpha
//! L    = - mean over pairs of log sigmoid(r(w) - r(l) - gamma)
//! ```
//!
//! As `alpha` goes to 0 the reward becomes SimPO's `beta log p(y)`. The exponent is held at 80, where 32 bits end.

crate::prelude!();

/// Hyper-parameters of [`alphapo`].
#[derive(Hyper)]
pub struct Alphapo {
    /// Scale of the reward.
    #[hyper(default = 2.5, above = 0.0, at_most = 100.0)]
    pub beta: Param,
    /// How much faster the reward falls for unlikely responses.
    #[hyper(default = 0.25, above = 0.0, at_most = 10.0)]
    pub alpha: Param,
    /// By how much the chosen response's reward should exceed the other's.
    #[hyper(default = 0.5, at_least = 0.0, at_most = 100.0)]
    pub simpo_gamma: Param,
}

/// `beta [1 - p^(-alpha)] / alpha` with `p` the geometric mean of the tokens' probabilities.
#[reward]
pub fn shaped<Y: Side>(actor: &Actor, y: Reply<Y>, beta: Param, alpha: Param) -> PerResponse<Reward, Y> {
    let power = (-alpha * actor.logp(y).mean(Token)).clamp(-80.0, 80.0).exp();
    ((beta / alpha) * (1.0 - power)).treat_as::<Reward>("a probability to a power, as AlphaPO shapes its reward")
}

/// AlphaPO: SimPO with a reward that falls faster for unlikely responses.
#[algorithm(paper = "arXiv:2501.03884")]
pub fn alphapo(actor: &Actor, pair: &Pair, hp: &Alphapo) -> Scalar<Loss> {
    let chosen = shaped(actor, pair.chosen, hp.beta, hp.alpha);
    let rejected = shaped(actor, pair.rejected, hp.beta, hp.alpha);
    -log_sigmoid(chosen - rejected - hp.simpo_gamma).mean(Prompt)
}

/// Hyper-parameters of [`alphapo_trl`].
#[derive(Hyper)]
pub struct AlphapoTrl {
    /// Scale of the reward.
    #[hyper(default = 0.1, above = 0.0, at_most = 100.0)]
    pub beta: Param,
    /// How much faster the reward falls for unlikely responses.
    #[hyper(default = 0.25, above = 0.0, at_most = 10.0)]
    pub alpha: Param,
    /// By how much the chosen response's reward should exceed the other's.
    #[hyper(default = 0.5, at_least = 0.0, at_most = 100.0)]
    pub simpo_gamma: Param,
    /// How often a pair is labelled the wrong way round.
    #[hyper(default = 0.0, at_least = 0.0, below = 0.5)]
    pub label_smoothing: Param,
    /// Weight of the chosen tokens' likelihood.
    #[hyper(default = 1.0, at_least = 0.0, at_most = 100.0)]
    pub cpo_alpha: Param,
}

/// TRL's `CPOTrainer` with `loss_type="alphapo"`: with the likelihood of the chosen tokens unless `cpo_alpha` is 0.
#[algorithm(
    paper = "arXiv:2501.03884",
    preset = "alphapo@trl",
    source = "TRL 1.9, trl/experimental/cpo/cpo_trainer.py, f2cd5771, loss_type alphapo"
)]
pub fn alphapo_trl(actor: &Actor, pair: &Pair, hp: &AlphapoTrl) -> Scalar<Loss> {
    let chosen = shaped(actor, pair.chosen, hp.beta, hp.alpha);
    let rejected = shaped(actor, pair.rejected, hp.beta, hp.alpha);
    let gap = chosen - rejected - hp.simpo_gamma;
    let right = (1.0 - hp.label_smoothing) * log_sigmoid(gap);
    let wrong = hp.label_smoothing * log_sigmoid(-gap);
    -(right + wrong).mean(Prompt) + hp.cpo_alpha * -actor.logp(pair.chosen).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::{ALPHAPO, ALPHAPO_TRL};
    use crate::given::{Given, three_pairs};
    use crate::ir::SideTag;
    use crate::simpo::SIMPO;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        let settings = [("beta", 2.5), ("alpha", 0.25), ("simpo_gamma", 0.5)];
        three_pairs().check(&ALPHAPO, &settings, 0.343_267_36);
        three_pairs().check(&ALPHAPO_TRL, &settings, 0.343_267_36 + 11.5 / 11.0);
    }
    #[test]
    fn without_a_shape_it_is_simpo() {
        let simpo = three_pairs().loss(&SIMPO, &[("beta", 2.0), ("simpo_gamma", 0.5)]);
        let settings = [("beta", 2.0), ("alpha", 1e-6), ("simpo_gamma", 0.5)];
        assert!((three_pairs().loss(&ALPHAPO, &settings) - simpo).abs() < 1e-5);
    }
    #[test]
    fn an_unlikely_response_is_pushed_more() {
        // Both rewards are equal and nothing is asked above that: half of beta p^(-alpha) at each single token.
        let equal = Given::pair(("actor", &[-4.0]), ("actor", &[-4.0]));
        let settings = [("beta", 2.0), ("alpha", 0.25), ("simpo_gamma", 0.0)];
        let e = std::f64::consts::E;
        equal.check_gradient(&ALPHAPO, &settings, SideTag::Chosen, &[-e]);
        equal.check_gradient(&ALPHAPO, &settings, SideTag::Rejected, &[e]);
    }
}

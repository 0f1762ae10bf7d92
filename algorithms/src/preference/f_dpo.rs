//! f-DPO, DPO held to the reference by another divergence, arXiv:2309.16240.
//!
//! With the log-ratio `x(y) = log(pi(y | x) / pi_ref(y | x))` of a whole response and the derivative `f'` of the
//! divergence's function, taken at the ratio `u = exp(x)`, the implicit reward is `r(y) = beta f'(u)` and
//!
//! ```text
//! L = - mean over pairs of log sigmoid(r(w) - r(l))
//! ```
//!
//! | divergence       | f'(u), up to a constant | algorithm            |
//! |------------------|-------------------------|----------------------|
//! | reverse KL       | x                       | `dpo`                |
//! | alpha            | -exp(-alpha x) / alpha  | `f_dpo`              |
//! | forward KL       | -exp(-x)                | `f_dpo_forward_kl`   |
//! | Jensen-Shannon   | log sigmoid(x)          | `f_dpo_js`           |
//!
//! The alpha-divergence, with `alpha` between 0 and 1, runs from the reverse to the forward KL divergence, so it has
//! the family's plain name. Each divergence is an algorithm: a formula has no branches, and so no option that only one
//! of its branches would read. Exponents are held at 80, where 32 bits end.

crate::prelude!();

/// Hyper-parameters of [`f_dpo`].
#[derive(Hyper)]
pub struct FDpo {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// Which divergence: towards 0 the reverse KL, at 1 the forward KL.
    #[hyper(default = 0.5, above = 0.0, at_most = 1.0)]
    pub alpha: Param,
}

/// Hyper-parameters of [`f_dpo_js`] and [`f_dpo_forward_kl`].
#[derive(Hyper)]
pub struct FDpoPlain {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// `-(beta / alpha) exp(-alpha x)`: the reward under the alpha-divergence.
#[reward]
pub fn under_alpha<Y: Side>(
    actor: &Actor,
    reference: &Reference,
    y: Reply<Y>,
    beta: Param,
    alpha: Param,
) -> PerResponse<Reward, Y> {
    let x = (actor.logp(y) - reference.logp(y)).sum(Token);
    let power = (-alpha * x).treat_as::<LogRatio>("the logarithm of the ratio to the power of minus alpha");
    (-(beta / alpha) * power.clamp(-80.0, 80.0).exp()).treat_as::<Reward>("beta f' of the ratio is the reward")
}

/// `-beta exp(-x)`: the reward under the forward KL divergence.
#[reward]
pub fn under_forward_kl<Y: Side>(
    actor: &Actor,
    reference: &Reference,
    y: Reply<Y>,
    beta: Param,
) -> PerResponse<Reward, Y> {
    let x = (actor.logp(y) - reference.logp(y)).sum(Token);
    (-beta * (-x).clamp(-80.0, 80.0).exp()).treat_as::<Reward>("beta f' of the ratio is the reward")
}

/// `beta log sigmoid(x)`: the reward under the Jensen-Shannon divergence.
#[reward]
pub fn under_js<Y: Side>(actor: &Actor, reference: &Reference, y: Reply<Y>, beta: Param) -> PerResponse<Reward, Y> {
    (beta * log_sigmoid((actor.logp(y) - reference.logp(y)).sum(Token))).as_reward()
}

/// f-DPO with an alpha-divergence: between DPO, which seeks modes, and the forward KL divergence, which covers mass.
#[algorithm(paper = "arXiv:2309.16240")]
pub fn f_dpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &FDpo) -> Scalar<Loss> {
    let chosen = under_alpha(actor, reference, pair.chosen, hp.beta, hp.alpha);
    let rejected = under_alpha(actor, reference, pair.rejected, hp.beta, hp.alpha);
    -log_sigmoid(chosen - rejected).mean(Prompt)
}

/// f-DPO with the forward KL divergence: the reward is bounded above and falls without bound.
#[algorithm(paper = "arXiv:2309.16240")]
pub fn f_dpo_forward_kl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &FDpoPlain) -> Scalar<Loss> {
    let chosen = under_forward_kl(actor, reference, pair.chosen, hp.beta);
    let rejected = under_forward_kl(actor, reference, pair.rejected, hp.beta);
    -log_sigmoid(chosen - rejected).mean(Prompt)
}

/// f-DPO with the Jensen-Shannon divergence: the reward is bounded above and falls like the log-ratio.
#[algorithm(paper = "arXiv:2309.16240")]
pub fn f_dpo_js(actor: &Actor, reference: &Reference, pair: &Pair, hp: &FDpoPlain) -> Scalar<Loss> {
    let chosen = under_js(actor, reference, pair.chosen, hp.beta);
    let rejected = under_js(actor, reference, pair.rejected, hp.beta);
    -log_sigmoid(chosen - rejected).mean(Prompt)
}

/// Hyper-parameters of [`f_dpo_trl`].
#[derive(Hyper)]
pub struct FDpoTrl {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// Which divergence: at 0 the forward KL, towards 1 the reverse KL.
    #[hyper(default = 0.5, at_least = 0.0, below = 1.0)]
    pub f_alpha_divergence_coef: Param,
}

/// TRL's `f_divergence_type="alpha_divergence"`: its coefficient runs the other way, it is `1 - alpha`.
#[algorithm(
    paper = "arXiv:2309.16240",
    preset = "f_dpo@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, f_divergence_type alpha_divergence"
)]
pub fn f_dpo_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &FDpoTrl) -> Scalar<Loss> {
    f_dpo(actor, reference, pair, &FDpo { beta: hp.beta, alpha: 1.0 - hp.f_alpha_divergence_coef })
}

/// TRL's `f_divergence_type="forward_kl"`: the same formula, which there has no limit on the exponent.
#[algorithm(
    paper = "arXiv:2309.16240",
    preset = "f_dpo_forward_kl@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, f_divergence_type forward_kl"
)]
pub fn f_dpo_forward_kl_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &FDpoPlain) -> Scalar<Loss> {
    f_dpo_forward_kl(actor, reference, pair, hp)
}

/// TRL's `f_divergence_type="js_divergence"`: the same formula.
#[algorithm(
    paper = "arXiv:2309.16240",
    preset = "f_dpo_js@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, f_divergence_type js_divergence"
)]
pub fn f_dpo_js_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &FDpoPlain) -> Scalar<Loss> {
    f_dpo_js(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{Given, start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&F_DPO_FORWARD_KL, &[("beta", 0.1)], 0.231_049_06);
        three_pairs().check(&F_DPO_JS, &[("beta", 0.1)], 0.386_011_529);
        three_pairs().check(&F_DPO, &[("alpha", 0.1)], 0.287_223_419_057_7);
        three_pairs().check(&F_DPO_TRL, &[("f_alpha_divergence_coef", 0.9)], 0.287_223_419_057_7);
    }
    #[test]
    fn the_alpha_divergence_ends_in_the_two_kl_divergences() {
        let forward = three_pairs().loss(&F_DPO_FORWARD_KL, &[]);
        three_pairs().check(&F_DPO, &[("alpha", 1.0)], forward);
        let reverse = three_pairs().loss(&crate::dpo::DPO, &[]);
        assert!((three_pairs().loss(&F_DPO, &[("alpha", 1e-6)]) - reverse).abs() < 1e-5);
    }
    #[test]
    fn the_first_step_is_dpo_s_or_half_of_it() {
        for algorithm in [&F_DPO, &F_DPO_FORWARD_KL] {
            start().check_gradient(algorithm, &[], SideTag::Chosen, &[-0.05, -0.05]);
        }
        start().check_gradient(&F_DPO_JS, &[], SideTag::Chosen, &[-0.025, -0.025]);
        start().check_gradient(&F_DPO_JS, &[], SideTag::Rejected, &[0.025]);
    }
    #[test]
    fn log_ratios_of_any_size_give_numbers() {
        let far = Given::pair(("actor", &[-9999.0]), ("actor", &[-9999.0]))
            .also(("reference", &[-1.0]), ("reference", &[-1.0]));
        for algorithm in [&F_DPO, &F_DPO_FORWARD_KL, &F_DPO_JS] {
            far.check(algorithm, &[], std::f64::consts::LN_2);
        }
    }
}

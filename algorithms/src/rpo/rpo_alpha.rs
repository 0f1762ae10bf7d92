//! Reward-aware Preference Optimization, arXiv:2502.00203, with an alpha-divergence for its distance.
//!
//! The learned gap `a = beta [h(w) - h(l)]`, with `h(y) = log(pi(y | x) / pi_ref(y | x))`, follows the judged gap
//! `b = eta [s(w) - s(l)]`, with `s` the score a judge gave:
//!
//! ```text
//! L = mean over pairs of [1 - s(b)^alpha s(a)^(1 - alpha) - s(-b)^alpha s(-a)^(1 - alpha)] / [alpha (1 - alpha)],
//! s = sigmoid
//! ```
//!
//! This is Amari's divergence of the judged preference from the learned one. Towards `alpha = 1` it becomes `rpo_bwd`,
//! towards `alpha = 0` `rpo_fwd`; at one half it is four times the squared Hellinger distance, and symmetric.

crate::prelude!();
use crate::dpo::margin;

/// Hyper-parameters of [`rpo_alpha`].
#[derive(Hyper)]
pub struct RpoAlpha {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How large a judged point is as a reward.
    #[hyper(default = 1.0, above = 0.0, at_most = 1e6)]
    pub eta: Param,
    /// Which divergence: towards 0 the forward, towards 1 the backward.
    #[hyper(default = 0.5, above = 0.0, below = 1.0)]
    pub alpha: Param,
}

/// Reward-aware Preference Optimization, alpha-divergence: between the forward and the backward form.
#[algorithm(paper = "arXiv:2502.00203")]
pub fn rpo_alpha(actor: &Actor, reference: &Reference, pair: &ScoredPair, hp: &RpoAlpha) -> Scalar<Loss> {
    let ours = margin(actor, reference, pair.chosen, pair.rejected, hp.beta);
    let judged = hp.eta * (pair.chosen_score - pair.rejected_score);
    // Powers as logarithms: a preference that is nearly certain has one that is still a number.
    let first = (hp.alpha * log_sigmoid(judged) + (1.0 - hp.alpha) * log_sigmoid(ours)).exp();
    let second = (hp.alpha * log_sigmoid(-judged) + (1.0 - hp.alpha) * log_sigmoid(-ours)).exp();
    let scale = 1.0 / (hp.alpha * (1.0 - hp.alpha));
    (scale * (1.0 - (first + second))).as_loss().mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::RPO_ALPHA;
    use crate::given::{Given, three_pairs};
    use crate::ir::SideTag;
    use crate::{rpo_bwd::RPO_BWD, rpo_fwd::RPO_FWD};

    #[test]
    fn three_pairs_cost_what_the_divergence_says() {
        three_pairs().check(&RPO_ALPHA, &[("alpha", 0.5)], 0.248_570_346_3);
        three_pairs().check(&RPO_ALPHA, &[("alpha", 0.3)], 0.240_155_939_4);
    }
    #[test]
    fn its_ends_are_the_two_kl_divergences() {
        for (alpha, end) in [(1e-6, &RPO_FWD), (1.0 - 1e-6, &RPO_BWD)] {
            let miss = three_pairs().loss(&RPO_ALPHA, &[("alpha", alpha)]) - three_pairs().loss(end, &[]);
            assert!(miss.abs() < 1e-5, "{miss}");
        }
    }
    #[test]
    fn one_pair_costs_the_distance_and_is_pushed_by_its_slope() {
        // Ours 0.8, judged 1.5.
        let pair = Given::pair(("actor", &[-1.0, -1.0]), ("actor", &[-5.0]))
            .also(("reference", &[-3.0, -3.0]), ("reference", &[-1.0]));
        let pair = pair.scores(&[2.0], &[1.5]);
        let settings = [("beta", 0.1), ("eta", 3.0), ("alpha", 0.3)];
        pair.check(&RPO_ALPHA, &settings, 0.045_553_855_9);
        let slope = 0.1 * -0.142_112_933_06;
        pair.check_gradient(&RPO_ALPHA, &settings, SideTag::Chosen, &[slope, slope]);
        pair.check_gradient(&RPO_ALPHA, &settings, SideTag::Rejected, &[-slope]);
    }
}

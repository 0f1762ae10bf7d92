//! Discovered Preference Optimization, the log-ratio modulated loss of arXiv:2406.08414.
//!
//! With the margin `a = beta [h(w) - h(l)]`, `h(y) = log(pi(y | x) / pi_ref(y | x))`, and a switch
//! `m = sigmoid(a / tau)`:
//!
//! ```text
//! L = mean over pairs of (1 - m) (-log sigmoid(a)) + m exp(-a)
//! ```
//!
//! DPO's loss where the margin is negative, an exponential one where it is positive. The gradient flows through the
//! switch too, so that near `a = 0` the loss rises.

crate::prelude!();
use crate::dpo::margin;

/// Hyper-parameters of [`discopop`].
#[derive(Hyper)]
pub struct Discopop {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How wide the switch is.
    #[hyper(default = 0.05, above = 0.0, below = 1.0)]
    pub discopop_tau: Param,
}

/// Discovered Preference Optimization: DPO's loss for negative margins, an exponential one for positive.
#[algorithm(
    paper = "arXiv:2406.08414",
    except = "better: the gradient flows through the switch, and the loss rises near margin 0",
    except = "monotone: the gradient flows through the switch, and the loss rises near margin 0"
)]
pub fn discopop(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Discopop) -> Scalar<Loss> {
    let margin = margin(actor, reference, pair.chosen, pair.rejected, hp.beta);
    let against = (-margin).treat_as::<LogRatio>("the log-odds against the chosen response");
    let logistic = sigmoid(-margin / hp.discopop_tau) * -log_sigmoid(margin);
    // `m exp(-a)` as one exponential: for a large negative margin it is 0 times infinity.
    let exponential = (log_sigmoid(margin / hp.discopop_tau) + against).exp();
    (logistic + exponential.as_loss()).mean(Prompt)
}

/// TRL's `loss_type="discopop"`: the same formula.
#[algorithm(
    paper = "arXiv:2406.08414",
    preset = "discopop@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type discopop",
    except = "better: the gradient flows through the switch, and the loss rises near margin 0",
    except = "monotone: the gradient flows through the switch, and the loss rises near margin 0"
)]
pub fn discopop_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Discopop) -> Scalar<Loss> {
    discopop(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::DISCOPOP;
    use crate::given::{Given, start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&DISCOPOP, &[("beta", 0.1), ("discopop_tau", 0.05)], 0.449_929_438);
    }
    #[test]
    fn the_gradient_flows_through_the_switch() {
        let slope = 0.1 * (5.0 * (1.0 - std::f64::consts::LN_2) - 0.75);
        start().check_gradient(&DISCOPOP, &[], SideTag::Chosen, &[slope, slope]);
        start().check_gradient(&DISCOPOP, &[], SideTag::Rejected, &[-slope]);
    }
    #[test]
    fn a_hopeless_pair_costs_what_it_costs_in_dpo() {
        let hopeless = Given::pair(("actor", &[-9000.0]), ("actor", &[-1.0]))
            .also(("reference", &[-1.0]), ("reference", &[-9000.0]));
        hopeless.check(&DISCOPOP, &[], 0.1 * 2.0 * 8999.0);
        hopeless.check_gradient(&DISCOPOP, &[], SideTag::Chosen, &[-0.1]);
    }
}

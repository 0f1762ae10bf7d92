//! Self-Play Preference Optimization with hard labels, arXiv:2405.00675.
//!
//! With the log-ratio `h(y) = log(pi(y | x) / pi_ref(y | x))` of a whole response (the paper's eta is `1 / beta`), and
//! a chosen response that always wins, a rejected one that always loses:
//!
//! ```text
//! L = mean over pairs of (h(w) - 1 / (2 beta))^2 + (h(l) + 1 / (2 beta))^2
//! ```
//!
//! Each log-ratio has a target of its own, where IPO only gives one to their difference.

crate::prelude!();
use crate::ipo::log_ratio;

/// Hyper-parameters of [`sppo_hard`].
#[derive(Hyper)]
pub struct SppoHard {
    /// How strongly the policy is held to the reference: each log-ratio aims for `1 / (2 beta)` up or down.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// Self-Play Preference Optimization with hard labels: each log-ratio has a fixed target.
#[algorithm(
    paper = "arXiv:2405.00675",
    except = "monotone: the square pulls a log-ratio back that is beyond its target"
)]
pub fn sppo_hard(actor: &Actor, reference: &Reference, pair: &Pair, hp: &SppoHard) -> Scalar<Loss> {
    let chosen = log_ratio(actor, reference, pair.chosen);
    let rejected = log_ratio(actor, reference, pair.rejected);
    report_rewards(hp.beta * chosen, hp.beta * rejected);
    let target = 1.0 / (2.0 * hp.beta);
    ((chosen - target).squared() + (rejected + target).squared()).as_loss().mean(Prompt)
}

/// TRL's `loss_type="sppo_hard"`: the same formula.
#[algorithm(
    paper = "arXiv:2405.00675",
    preset = "sppo_hard@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type sppo_hard",
    except = "monotone: the square pulls a log-ratio back that is beyond its target"
)]
pub fn sppo_hard_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &SppoHard) -> Scalar<Loss> {
    sppo_hard(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::SPPO_HARD;
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&SPPO_HARD, &[("beta", 0.1)], 128.546_666_666_667);
    }
    #[test]
    fn the_first_step_goes_by_the_target() {
        start().check_gradient(&SPPO_HARD, &[], SideTag::Chosen, &[-10.0, -10.0]);
        start().check_gradient(&SPPO_HARD, &[], SideTag::Rejected, &[10.0]);
    }
}

//! Identity Preference Optimization, arXiv:2310.12036.
//!
//! With the log-ratio `h(y) = log(pi(y | x) / pi_ref(y | x))` of a whole response, the sum over its tokens
//! (equation 17; `beta` is the paper's tau):
//!
//! ```text
//! L = mean over pairs of (h(w) - h(l) - 1 / (2 beta))^2
//! ```
//!
//! Others differ: TRL and LLaMA-Factory divide each `h` by the length of its response, OpenRLHF and NeMo-Aligner sum as
//! the paper does.

crate::prelude!();

/// Hyper-parameters of [`ipo`].
#[derive(Hyper)]
pub struct Ipo {
    /// How strongly the policy is held to the reference: the gap it aims for is `1 / (2 beta)`.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// How much likelier the whole response has become.
#[reward]
pub fn log_ratio<Y: Side>(actor: &Actor, reference: &Reference, y: Reply<Y>) -> PerResponse<LogRatio, Y> {
    (actor.logp(y) - reference.logp(y)).sum(Token)
}

/// Identity Preference Optimization: brings the gap between the log-ratios of a pair to a fixed size.
#[algorithm(
    paper = "arXiv:2310.12036",
    except = "monotone: the square pulls a gap back that is larger than its target"
)]
pub fn ipo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Ipo) -> Scalar<Loss> {
    let chosen = log_ratio(actor, reference, pair.chosen);
    let rejected = log_ratio(actor, reference, pair.rejected);
    report_rewards(hp.beta * chosen, hp.beta * rejected);
    (chosen - rejected - 1.0 / (2.0 * hp.beta)).squared().mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::IPO;
    use crate::given::{Given, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&IPO, &[("beta", 0.1)], 91.666_666_667);
    }
    #[test]
    fn nothing_moves_once_the_gap_is_right() {
        let there = Given::pair(("actor", &[-1.0, -2.0]), ("actor", &[-3.0]))
            .also(("reference", &[-2.0, -2.0]), ("reference", &[-2.0]));
        there.check(&IPO, &[("beta", 0.25)], 0.0);
        there.check_gradient(&IPO, &[("beta", 0.25)], SideTag::Chosen, &[0.0, 0.0]);
        there.check_gradient(&IPO, &[("beta", 0.5)], SideTag::Rejected, &[-2.0]);
    }
}

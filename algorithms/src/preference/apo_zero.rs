//! Anchored Preference Optimization, "zero", arXiv:2408.06266.
//!
//! With the implicit reward `r(y) = beta log(pi(y | x) / pi_ref(y | x))`:
//!
//! ```text
//! L = mean over pairs of 1 - sigmoid(r(w)) + sigmoid(r(l))
//! ```
//!
//! For pairs whose chosen response is better than what the policy writes: the chosen likelihood goes up and the
//! rejected one down, whatever the other does. The paper has no 1, which only keeps the loss positive.

crate::prelude!();
use crate::dpo::implicit;

/// Hyper-parameters of [`apo_zero`].
#[derive(Hyper)]
pub struct ApoZero {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// Anchored Preference Optimization, zero: chosen up, rejected down, for chosen responses better than the policy's.
#[algorithm(paper = "arXiv:2408.06266")]
pub fn apo_zero(actor: &Actor, reference: &Reference, pair: &Pair, hp: &ApoZero) -> Scalar<Loss> {
    let chosen = implicit(actor, reference, pair.chosen, hp.beta);
    let rejected = implicit(actor, reference, pair.rejected, hp.beta);
    report_rewards(chosen, rejected);
    ((1.0 - sigmoid(chosen)) + sigmoid(rejected)).as_loss().mean(Prompt)
}

/// TRL's `loss_type="apo_zero"`: the same formula.
#[algorithm(
    paper = "arXiv:2408.06266",
    preset = "apo_zero@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type apo_zero"
)]
pub fn apo_zero_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &ApoZero) -> Scalar<Loss> {
    apo_zero(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::APO_ZERO;
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&APO_ZERO, &[("beta", 0.1)], 0.800_323_166);
    }
    #[test]
    fn at_the_start_both_sides_are_pushed_by_a_quarter_of_beta() {
        start().check_gradient(&APO_ZERO, &[], SideTag::Chosen, &[-0.025, -0.025]);
        start().check_gradient(&APO_ZERO, &[], SideTag::Rejected, &[0.025]);
    }
}

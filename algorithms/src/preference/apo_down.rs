//! Anchored Preference Optimization, "down", arXiv:2408.06266.
//!
//! With the implicit reward `r(y) = beta log(pi(y | x) / pi_ref(y | x))`:
//!
//! ```text
//! L = mean over pairs of sigmoid(r(w)) + 1 - sigmoid(r(w) - r(l))
//! ```
//!
//! For pairs whose chosen response is worse than what the policy writes: both likelihoods go down, the rejected one
//! further. The paper has no 1, which only keeps the loss positive.

crate::prelude!();
use crate::dpo::implicit;

/// Hyper-parameters of [`apo_down`].
#[derive(Hyper)]
pub struct ApoDown {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// Anchored Preference Optimization, down: both down, rejected further, for chosen responses worse than the policy's.
#[algorithm(
    paper = "arXiv:2408.06266",
    except = "monotone: both responses are to become less likely, the chosen one less so"
)]
pub fn apo_down(actor: &Actor, reference: &Reference, pair: &Pair, hp: &ApoDown) -> Scalar<Loss> {
    let chosen = implicit(actor, reference, pair.chosen, hp.beta);
    let rejected = implicit(actor, reference, pair.rejected, hp.beta);
    let anchor = sigmoid(chosen).mean(Response);
    (anchor + (1.0 - sigmoid(chosen - rejected))).as_loss().mean(Prompt)
}

/// TRL's `loss_type="apo_down"`: the same formula.
#[algorithm(
    paper = "arXiv:2408.06266",
    preset = "apo_down@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type apo_down",
    except = "monotone: both responses are to become less likely, the chosen one less so"
)]
pub fn apo_down_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &ApoDown) -> Scalar<Loss> {
    apo_down(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::APO_DOWN;
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&APO_DOWN, &[("beta", 0.1)], 0.789_386_499);
    }
    #[test]
    fn at_the_start_the_chosen_response_stays_where_it_is() {
        start().check_gradient(&APO_DOWN, &[], SideTag::Chosen, &[0.0, 0.0]);
        start().check_gradient(&APO_DOWN, &[], SideTag::Rejected, &[0.025]);
    }
}

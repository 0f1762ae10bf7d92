//! Margin DPO: DPO in which the learned margin should exceed the annotated one, as HelpSteer2-Preference,
//! arXiv:2410.01257, does with its Bradley-Terry reward model (and Llama 2 before it).
//!
//! With the margin `a = beta [h(w) - h(l)]`, `h(y) = log(pi(y | x) / pi_ref(y | x))`, and the annotated strength `m`
//! of the preference:
//!
//! ```text
//! L = - mean over pairs of log sigmoid(a - m)
//! ```

crate::prelude!();
use crate::dpo::margin;

/// Hyper-parameters of [`margin_dpo`].
#[derive(Hyper)]
pub struct MarginDpo {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// Margin DPO: the learned margin of a pair should exceed the annotated one.
#[algorithm(paper = "arXiv:2410.01257")]
pub fn margin_dpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &MarginDpo) -> Scalar<Loss> {
    let margin = margin(actor, reference, pair.chosen, pair.rejected, hp.beta);
    -log_sigmoid(margin - pair.margin).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::MARGIN_DPO;
    use crate::eval::logistic;
    use crate::given::{Given, start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn the_margin_is_what_reward_models_are_tested_with() {
        // A learned margin of 0.8 under annotated ones of 1, 2 and 3.
        for (strength, expected) in [(1.0, 0.798_138_869_4), (2.0, 1.463_282_467_3), (3.0, 2.305_083_319_8)] {
            let pair = Given::pair(("actor", &[-1.0]), ("actor", &[-5.0]))
                .also(("reference", &[-5.0]), ("reference", &[-1.0]))
                .says("pair", "margin", None, &[strength]);
            pair.check(&MARGIN_DPO, &[("beta", 0.1)], expected);
        }
        let annotated = three_pairs().says("pair", "margin", None, &[1.0, 2.0, 3.0]);
        annotated.check(&MARGIN_DPO, &[("beta", 0.1)], 1.313_261_688);
    }
    #[test]
    fn the_first_step_is_larger_the_larger_the_margin() {
        let annotated = start().says("pair", "margin", None, &[2.0]);
        let slope = 0.1 * logistic(2.0);
        annotated.check_gradient(&MARGIN_DPO, &[], SideTag::Chosen, &[-slope, -slope]);
        annotated.check_gradient(&MARGIN_DPO, &[], SideTag::Rejected, &[slope]);
    }
}

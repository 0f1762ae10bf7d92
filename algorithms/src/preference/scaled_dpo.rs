//! Scaled DPO: DPO in which a pair counts by how much better its chosen response was found, as HelpSteer2-Preference,
//! arXiv:2410.01257, scales its Bradley-Terry reward model.
//!
//! With the margin `a = beta [h(w) - h(l)]`, `h(y) = log(pi(y | x) / pi_ref(y | x))`, and the annotated strength `m`
//! of the preference:
//!
//! ```text
//! L = - mean over pairs of |m| log sigmoid(a)
//! ```
//!
//! A pair of strength 2 is worth two of strength 1. A margin that is to be reached is `margin_dpo`.

crate::prelude!();
use crate::dpo::margin;

/// Hyper-parameters of [`scaled_dpo`].
#[derive(Hyper)]
pub struct ScaledDpo {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// Scaled DPO: each pair counts by how much better its chosen response was found.
#[algorithm(paper = "arXiv:2410.01257")]
pub fn scaled_dpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &ScaledDpo) -> Scalar<Loss> {
    let margin = margin(actor, reference, pair.chosen, pair.rejected, hp.beta);
    (pair.margin.abs().as_weight() * -log_sigmoid(margin)).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::SCALED_DPO;
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn each_pair_costs_its_strength_times_dpo() {
        let strong = three_pairs().says("pair", "margin", None, &[1.0, 2.0, 3.0]);
        let expected = std::f64::consts::LN_2 + 2.0 * 0.313_261_687_5 + 3.0 * 0.126_928_011;
        strong.check(&SCALED_DPO, &[("beta", 0.1)], expected / 3.0);
    }
    #[test]
    fn the_first_step_goes_by_the_strength() {
        let strong = start().says("pair", "margin", None, &[3.0]);
        strong.check_gradient(&SCALED_DPO, &[], SideTag::Chosen, &[-0.15, -0.15]);
        strong.check_gradient(&SCALED_DPO, &[], SideTag::Rejected, &[0.15]);
    }
}

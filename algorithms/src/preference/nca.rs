//! Noise Contrastive Alignment, arXiv:2402.05369, on pairs.
//!
//! With the implicit reward `r(y) = beta log(pi(y | x) / pi_ref(y | x))`:
//!
//! ```text
//! L = - mean over pairs of log sigmoid(r(w)) + 1/2 log sigmoid(-r(w)) + 1/2 log sigmoid(-r(l))
//! ```
//!
//! Each response is told from noise by itself, so that the likelihood of the chosen one cannot fall with the other's.

crate::prelude!();
use crate::dpo::implicit;

/// Hyper-parameters of [`nca`].
#[derive(Hyper)]
pub struct Nca {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// Noise Contrastive Alignment: raises the chosen reward and lowers the rejected one, each by itself.
#[algorithm(paper = "arXiv:2402.05369", except = "monotone: the noise term pulls the chosen reward back to log 2")]
pub fn nca(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Nca) -> Scalar<Loss> {
    let chosen = implicit(actor, reference, pair.chosen, hp.beta);
    let rejected = implicit(actor, reference, pair.rejected, hp.beta);
    report_rewards(chosen, rejected);
    let of_chosen = log_sigmoid(chosen) + 0.5 * log_sigmoid(-chosen);
    -(of_chosen + 0.5 * log_sigmoid(-rejected)).mean(Prompt)
}

/// TRL's `loss_type="nca_pair"`: the same formula.
#[algorithm(
    paper = "arXiv:2402.05369",
    preset = "nca@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type nca_pair",
    except = "monotone: the noise term pulls the chosen reward back to log 2"
)]
pub fn nca_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Nca) -> Scalar<Loss> {
    nca(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::NCA;
    use crate::given::{start, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&NCA, &[("beta", 0.1)], 1.234_520_349);
    }
    #[test]
    fn at_the_start_both_sides_are_pushed_by_a_quarter_of_beta() {
        start().check_gradient(&NCA, &[], SideTag::Chosen, &[-0.025, -0.025]);
        start().check_gradient(&NCA, &[], SideTag::Rejected, &[0.025]);
    }
}

//! Online DPO: direct alignment from online feedback, arXiv:2402.04792.
//!
//! Two responses to each prompt are drawn from the model as it is, and a judge says which is better: the loss on such
//! pairs is that of `dpo`.
//!
//! ```text
//! L = - mean over pairs of log sigmoid(r(w) - r(l)),   r(y) = beta log(pi(y | x) / pi_ref(y | x))
//! ```

crate::prelude!();
use super::dpo::{Dpo, dpo};

/// Online DPO: DPO on pairs that the model has just drawn and a judge has ranked.
#[algorithm(paper = "arXiv:2402.04792", online)]
pub fn online_dpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Dpo) -> Scalar<Loss> {
    dpo(actor, reference, pair, hp)
}

#[cfg(test)]
mod tests {
    use super::ONLINE_DPO;
    use crate::given::three_pairs;

    #[test]
    fn three_pairs_cost_what_they_cost_dpo() {
        three_pairs().check(&ONLINE_DPO, &[], 0.377_778_96);
    }
}

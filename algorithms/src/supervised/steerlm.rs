//! SteerLM, attribute-conditioned supervised fine-tuning, arXiv:2310.05344, section 3.3.
//!
//! Every demonstration is told its own quality: the prompt carries the ratings `a` of its answer
//! ("helpfulness:4,verbosity:1"), given by people or by a regression reward model. At inference one asks for the ratings one wants.
//!
//! ```text
//! L = - (1 / number of tokens) sum over all tokens y_t of the batch of w(x) log pi(y_t | a, x, y_<t)
//! ```
//!
//! The formula is that of supervised fine-tuning; what steers is in the data. `w` is the weight of a demonstration, 1
//! if all count alike.

crate::prelude!();

/// SteerLM: raises the likelihood of answers given their own ratings, which stand in the prompt.
#[algorithm(paper = "arXiv:2310.05344")]
pub fn steerlm(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    -(demo.weight * actor.logp(demo.response)).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::STEERLM;
    use crate::given::Given;
    use crate::ir::SideTag;

    fn two_demonstrations(weights: [f64; 2]) -> Given {
        Given::default()
            .response(SideTag::Answer, 0, ("actor", &[-1.0, -2.0, -3.0]))
            .response(SideTag::Answer, 1, ("actor", &[-4.0]))
            .says("demo", "weight", Some(SideTag::Answer), &weights)
    }
    #[test]
    fn with_equal_weights_it_is_supervised_fine_tuning() {
        two_demonstrations([1.0, 1.0]).check(&STEERLM, &[], 2.5);
    }
    #[test]
    fn every_token_is_pushed_by_the_weight_of_its_demonstration() {
        two_demonstrations([0.5, 2.0]).check(&STEERLM, &[], 11.0 / 4.0);
        two_demonstrations([0.5, 2.0]).check_gradient(&STEERLM, &[], SideTag::Answer, &[-0.125, -0.125, -0.125, -0.5]);
    }
}

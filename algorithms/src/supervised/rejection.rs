//! Rejection sampling, arXiv:2307.09288, section 3.2.3; RAFT, arXiv:2304.06767.
//!
//! Several responses to each prompt are drawn from the model and the best is kept: what is left to do is supervised
//! fine-tuning on the kept ones. So the loss is that of `sft`; what differs is where the demonstrations come from.
//!
//! ```text
//! L = - (1 / number of tokens) sum over all tokens of the best responses of log pi(y_t | x, y_<t)
//! ```

crate::prelude!();

/// Rejection sampling: raises the likelihood of the best of several responses of the model's own.
#[algorithm(paper = "arXiv:2304.06767", online)]
pub fn rejection(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    crate::sft::sft(actor, demo)
}

#[cfg(test)]
mod tests {
    use super::REJECTION;
    use crate::given::Given;
    use crate::ir::SideTag;

    #[test]
    fn the_best_responses_cost_what_demonstrations_cost() {
        let kept = Given::default().response(SideTag::Answer, 0, ("actor", &[-1.0, -2.0, -3.0]));
        let kept = kept.response(SideTag::Answer, 1, ("actor", &[-4.0]));
        kept.check(&REJECTION, &[], 2.5);
        kept.check_gradient(&REJECTION, &[], SideTag::Answer, &[-0.25; 4]);
    }
}

//! Distillation by the forward divergence, arXiv:1503.02531.
//!
//! The student puts its weight wherever the teacher does. With p the teacher's and q the student's probability of each
//! word v of the vocabulary:
//!
//! ```text
//! L = mean over all tokens of sum_v p(v) log(p(v) / q(v))
//! ```
//!
//! Its gradient is that of the cross-entropy with the teacher's soft labels, as the teacher does not move.

crate::prelude!();

/// Distillation, forward KL: the student covers all that the teacher may say.
#[algorithm(paper = "arXiv:1503.02531")]
pub fn distill_fkl(actor: &Actor, teacher: &Teacher, demo: &Demo) -> Scalar<Loss> {
    kl(teacher.words(demo.response), actor.words(demo.response)).batch_mean().as_loss()
}

#[cfg(test)]
mod tests {
    use super::DISTILL_FKL;
    use crate::distillation::given::{STUDENT, two_tokens};

    #[test]
    fn two_tokens_cost_and_push_as_an_independent_script_says() {
        two_tokens().check(&DISTILL_FKL, &[], 0.282_583_323_676);
        // By each word's log-probability: -p / 2.
        two_tokens().check_gradient_by(
            &DISTILL_FKL,
            &[],
            STUDENT,
            &[-0.25, -0.15, -0.075, -0.025, -0.05, -0.1, -0.15, -0.2],
        );
    }
}

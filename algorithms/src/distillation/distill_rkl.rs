//! Distillation by the reverse divergence, arXiv:2306.08543, section 2.1.
//!
//! The student puts its weight only where the teacher does. With p the teacher's and q the student's probability of each
//! word v of the vocabulary:
//!
//! ```text
//! L = mean over all tokens of sum_v q(v) log(q(v) / p(v))
//! ```
//!
//! The paper also lets the student draw the responses, and takes the gradient through what it draws; here the responses are
//! given.

crate::prelude!();

/// Distillation, reverse KL: the student says nothing that the teacher would not.
#[algorithm(paper = "arXiv:2306.08543")]
pub fn distill_rkl(actor: &Actor, teacher: &Teacher, demo: &Demo) -> Scalar<Loss> {
    kl(actor.words(demo.response), teacher.words(demo.response)).batch_mean().as_loss()
}

#[cfg(test)]
mod tests {
    use super::DISTILL_RKL;
    use crate::distillation::given::{STUDENT, two_tokens};

    #[test]
    fn two_tokens_cost_and_push_as_an_independent_script_says() {
        two_tokens().check(&DISTILL_RKL, &[], 0.235_187_759_248);
        // By each word's log-probability: q (1 + ln(q / p)) / 2.
        two_tokens().check_gradient_by(
            &DISTILL_RKL,
            &[],
            STUDENT,
            &[
                0.008_370_926_813,
                0.257_536_414_49,
                0.253_972_077_084,
                0.084_657_359_028,
                0.239_536_341_484,
                0.152_892_943_914,
                0.257_536_414_49,
                -0.019_314_718_056,
            ],
        );
    }
}

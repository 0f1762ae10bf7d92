//! Generalised knowledge distillation, arXiv:2306.13649, equation 2.
//!
//! Teacher and student are both compared with a mixture of the two. With p the teacher's and q the student's probability of
//! each word v of the vocabulary:
//!
//! ```text
//! m(v) = beta p(v) + (1 - beta) q(v)
//! L    = mean over all tokens of beta sum_v p(v) log(p(v) / m(v)) + (1 - beta) sum_v q(v) log(q(v) / m(v))
//! ```
//!
//! It is at most `log 2` at `beta = 1/2`, whatever the two say. Divided by beta it becomes the forward divergence as beta
//! goes to 0, divided by `1 - beta` the reverse one as beta goes to 1; TRL puts those two in place of the ends. The paper
//! also lets the student draw some of the responses; here they are given.

crate::prelude!();

/// Hyper-parameters of [`distill_jsd`].
#[derive(Hyper)]
pub struct DistillJsd {
    /// How much of the mixture is the teacher's.
    #[hyper(default = 0.5, above = 0.0, below = 1.0)]
    pub beta: Param,
}

/// Distillation, generalised Jensen-Shannon divergence: between covering the teacher and keeping to it.
#[algorithm(paper = "arXiv:2306.13649")]
pub fn distill_jsd(actor: &Actor, teacher: &Teacher, demo: &Demo, hp: &DistillJsd) -> Scalar<Loss> {
    let (p, q) = (teacher.words(demo.response), actor.words(demo.response));
    let m = mixture(hp.beta, p, q);
    (hp.beta * kl(p, m) + (1.0 - hp.beta) * kl(q, m)).batch_mean().as_loss()
}

#[cfg(test)]
mod tests {
    use super::DISTILL_JSD;
    use crate::distillation::given::{STUDENT, two_tokens};

    #[test]
    fn two_tokens_cost_and_push_as_an_independent_script_says() {
        two_tokens().check(&DISTILL_JSD, &[], 0.061_772_971_357);
        two_tokens().check_gradient_by(
            &DISTILL_JSD,
            &[],
            STUDENT,
            &[
                -0.027_980_789_397,
                0.013_353_139_262,
                0.021_576_155_434,
                0.007_192_051_811,
                0.022_292_183_996,
                0.006_585_032_229,
                0.013_353_139_262,
                -0.022_907_268_297,
            ],
        );
        two_tokens().check(&DISTILL_JSD, &[("beta", 0.2)], 0.042_225_674_909);
        two_tokens().check_gradient_by(
            &DISTILL_JSD,
            &[("beta", 0.2)],
            STUDENT,
            &[
                -0.020_989_141_157,
                0.008_206_927_102,
                0.012_643_261_879,
                0.004_214_420_626,
                0.012_783_337_151,
                0.004_082_199_452,
                0.008_206_927_102,
                -0.018_800_145_17,
            ],
        );
    }
}

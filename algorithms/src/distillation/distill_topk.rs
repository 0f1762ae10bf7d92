//! Distillation from the teacher's likeliest words, as NeMo-Aligner does it (arXiv:2405.01481): a teacher's log-probabilities
//! of k words a token can be kept on disk, those of the whole vocabulary cannot.
//!
//! Both distributions are made anew over these k words, p' and q', and compared there:
//!
//! ```text
//! L = mean over all tokens of sum over the teacher's k likeliest words v of p'(v) log(p'(v) / q'(v))
//! ```
//!
//! What the student says of the other words counts for nothing.

crate::prelude!();

/// Hyper-parameters of [`distill_topk`].
#[derive(Hyper)]
pub struct DistillTopk {
    /// How many words.
    #[hyper(default = 100, at_least = 2, at_most = 1e6)]
    pub top_k: Count,
}

/// Distillation, forward KL over the teacher's likeliest words alone.
#[algorithm(paper = "arXiv:2405.01481")]
pub fn distill_topk(actor: &Actor, teacher: &Teacher, demo: &Demo, hp: &DistillTopk) -> Scalar<Loss> {
    let words = teacher.words(demo.response);
    let kept = top_words(words, hp.top_k);
    let (p, q) = (renormalised(words, kept), renormalised(actor.words(demo.response), kept));
    kl(p, q).batch_mean().as_loss()
}

#[cfg(test)]
mod tests {
    use super::DISTILL_TOPK;
    use crate::distillation::given::{STUDENT, two_tokens};

    #[test]
    fn two_tokens_cost_and_push_as_an_independent_script_says() {
        two_tokens().check(&DISTILL_TOPK, &[("top_k", 2.0)], 0.254_761_255_384);
        two_tokens().check_gradient_by(
            &DISTILL_TOPK,
            &[("top_k", 2.0)],
            STUDENT,
            &[-0.145_833_333_333, 0.145_833_333_333, 0.0, 0.0, 0.0, 0.0, 0.185_714_285_714, -0.185_714_285_714],
        );
    }
    #[test]
    fn the_whole_vocabulary_costs_what_it_costs_the_forward_divergence() {
        two_tokens().check(&DISTILL_TOPK, &[("top_k", 4.0)], 0.282_583_323_676);
    }
}

//! NeMo-Aligner, `average_log_probs` in its own tests.
//! A setting of the loss that is not an argument of the attribute.
collimate::prelude!();

#[algorithm(paper = "arXiv:2305.18290", average_log_probs = true)]
pub fn sft(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    -actor.logp(demo.response).batch_mean()
}

fn main() {}

//! Somebody's formula, without saying where it is to be found.
collimate::prelude!();

#[algorithm(paper = "arXiv:2203.02155", preset = "sft@trl")]
pub fn sft_trl(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    -actor.logp(demo.response).batch_mean()
}

fn main() {}

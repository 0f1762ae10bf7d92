//! An attribute with an argument it does not have.
collimate::prelude!();

#[algorithm(papers = "arXiv:2203.02155")]
pub fn sft(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    -actor.logp(demo.response).batch_mean()
}

fn main() {}

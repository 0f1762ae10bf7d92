//! Where a formula was read, of an algorithm that is nobody's but the paper's.
collimate::prelude!();

#[algorithm(paper = "arXiv:2203.02155", source = "TRL 1.9, trl/trainer/sft_trainer.py")]
pub fn sft(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    -actor.logp(demo.response).batch_mean()
}

fn main() {}

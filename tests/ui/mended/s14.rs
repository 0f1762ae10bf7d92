collimate::prelude!();

#[algorithm(paper = "arXiv:2203.02155", preset = "sft@trl", source = "TRL 1.9, trl/trainer/sft_trainer.py")]
pub fn sft_trl(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    -actor.logp(demo.response).batch_mean()
}

fn main() {}

//! A preset that does not say whose formula it is.
collimate::prelude!();

#[algorithm(preset = "sft", source = "TRL 1.9, trl/trainer/sft_trainer.py")]
pub fn sft(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    -actor.logp(demo.response).batch_mean()
}

fn main() {}

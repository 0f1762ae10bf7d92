//! A preset on a function of another name: nobody would find it.
collimate::prelude!();

#[algorithm(preset = "sft@trl", source = "TRL 1.9, trl/trainer/sft_trainer.py")]
pub fn trl_sft(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    -actor.logp(demo.response).batch_mean()
}

fn main() {}

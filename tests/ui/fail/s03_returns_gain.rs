//! An algorithm that promises a gain.
collimate::prelude!();

#[algorithm]
pub fn sft(actor: &Actor, demo: &Demo) -> Scalar<Gain> {
    -(-actor.logp(demo.response).batch_mean())
}

fn main() {}

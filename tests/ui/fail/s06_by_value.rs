//! A policy by value.
collimate::prelude!();

#[algorithm]
pub fn odd(actor: Actor, demo: &Demo) -> Scalar<Loss> {
    -actor.logp(demo.response).batch_mean()
}

fn main() {}

//! An algorithm that reads data twice.
collimate::prelude!();

#[algorithm]
pub fn odd(actor: &Actor, demo: &Demo, pair: &Pair) -> Scalar<Loss> {
    -actor.logp(demo.response).batch_mean() - actor.logp(pair.chosen).batch_mean()
}

fn main() {}

//! A bare number as an argument of an algorithm.
collimate::prelude!();

#[algorithm]
pub fn odd(actor: &Actor, demo: &Demo, beta: &f64) -> Scalar<Loss> {
    -(*beta * actor.logp(demo.response)).batch_mean()
}

fn main() {}

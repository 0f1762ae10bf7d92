//! What is minimised plus what is maximised.
collimate::prelude!();

#[loss]
pub fn odd(policy: Scalar<Gain>, value: Scalar<Loss>) -> Scalar<Loss> {
    value + policy
}

fn main() {}

//! A term that is computed and dropped.
#![deny(unused_must_use)]
collimate::prelude!();

#[loss]
pub fn odd(policy: Scalar<Loss>, value: Scalar<Loss>) -> Scalar<Loss> {
    policy + value;
    policy
}

fn main() {}

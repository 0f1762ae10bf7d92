//! A penalty with the sign of a bonus.
collimate::prelude!();

#[loss]
pub fn odd(policy: Scalar<Loss>, drift: Scalar<Kl>, weight: Param) -> Scalar<Loss> {
    policy - weight * drift
}

fn main() {}

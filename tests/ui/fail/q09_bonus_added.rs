//! A bonus with the sign of a penalty.
collimate::prelude!();

#[loss]
pub fn odd(policy: Scalar<Loss>, bonus: Scalar<Entropy>, weight: Param) -> Scalar<Loss> {
    policy + weight * bonus
}

fn main() {}

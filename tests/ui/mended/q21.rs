collimate::prelude!();

#[loss]
pub fn both(policy: Scalar<Loss>, value: Scalar<Loss>) -> Scalar<Loss> {
    policy + value
}

fn main() {}

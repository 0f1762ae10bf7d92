//! A count of responses is no number of a formula.
collimate::prelude!();

#[loss]
pub fn odd(loss: Scalar<Loss>, samples: Count) -> Scalar<Loss> {
    loss / samples
}

fn main() {}

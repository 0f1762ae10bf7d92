//! A number of the wrong width on the right.
collimate::prelude!();

#[loss]
pub fn odd(loss: Scalar<Loss>) -> Scalar<Loss> {
    let weight: f32 = 0.5;
    loss * weight
}

fn main() {}

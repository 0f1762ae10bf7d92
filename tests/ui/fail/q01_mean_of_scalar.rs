//! A mean of what is one number already.
collimate::prelude!();

#[loss]
pub fn odd(loss: Scalar<Loss>) -> Scalar<Loss> {
    loss.mean(Prompt)
}

fn main() {}

//! The likelihood of a loss.
collimate::prelude!();

#[loss]
pub fn odd(loss: PerPrompt<Loss>) -> PerPrompt<Loss> {
    -log_sigmoid(loss)
}

fn main() {}

//! A live ratio as a weight.
collimate::prelude!();

#[loss]
pub fn odd(ratio: PerToken<Ratio>, loss: PerToken<Loss>) -> PerToken<Loss> {
    ratio.as_weight() * loss
}

fn main() {}

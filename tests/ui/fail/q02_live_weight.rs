//! A weight that still carries gradients.
collimate::prelude!();

#[loss]
pub fn odd(weight: PerToken<Weight>, loss: PerToken<Loss>) -> PerToken<Loss> {
    weight * loss
}

fn main() {}

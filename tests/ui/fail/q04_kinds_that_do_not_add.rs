//! Two kinds whose sum means nothing.
collimate::prelude!();

#[loss]
pub fn odd(value: PerToken<Value>, entropy: PerToken<Entropy>) -> PerToken<Value> {
    value + entropy
}

fn main() {}

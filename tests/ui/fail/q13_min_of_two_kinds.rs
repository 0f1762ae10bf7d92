//! A ratio compared with a gain.
collimate::prelude!();

#[loss]
pub fn odd(ratio: PerToken<Ratio>, gain: PerToken<Gain>) -> PerToken<Gain> {
    min(ratio, gain)
}

fn main() {}

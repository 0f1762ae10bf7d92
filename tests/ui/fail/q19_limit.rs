//! A value held between values.
collimate::prelude!();

#[loss]
pub fn odd(ratio: PerToken<Ratio>) -> PerToken<Ratio> {
    ratio.clamp(ratio, 2.0)
}

fn main() {}

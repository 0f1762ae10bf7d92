//! A gain minimised as it is.
collimate::prelude!();

#[loss]
pub fn odd(gain: PerToken<Gain>) -> PerToken<Loss> {
    gain.as_loss()
}

fn main() {}

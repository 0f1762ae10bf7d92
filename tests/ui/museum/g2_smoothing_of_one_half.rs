//! TRL, `robust` with a smoothing of 1/2 divides by zero after a warning.
//! A default outside of what the formula allows.
collimate::prelude!();

#[derive(Hyper)]
pub struct Hp {
    /// How often a pair is labelled the wrong way round.
    #[hyper(default = 0.5, at_least = 0.0, below = 0.5)]
    pub label_smoothing: Param,
}

fn main() {}

//! Tokens of two different responses, added one by one.
collimate::prelude!();

#[loss]
pub fn odd(chosen: PerToken<LogProb, Chosen>, rejected: PerToken<LogProb, Rejected>) -> PerToken<LogProb, Chosen> {
    chosen + rejected
}

fn main() {}

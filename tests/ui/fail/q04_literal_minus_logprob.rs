//! One minus a logarithm.
collimate::prelude!();

#[loss]
pub fn odd(logp: PerToken<LogProb>) -> PerToken<Prob> {
    1.0 - logp
}

fn main() {}

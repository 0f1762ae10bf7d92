//! A hyper-parameter minus a logarithm.
collimate::prelude!();

#[loss]
pub fn odd(logp: PerToken<LogProb>, beta: Param) -> PerToken<Prob> {
    beta - logp
}

fn main() {}

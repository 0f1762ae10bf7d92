//! A model where one of its outputs was meant.
collimate::prelude!();

#[loss]
pub fn odd(actor: &Actor, pair: &Pair) -> PerToken<LogRatio, Chosen> {
    actor.logp(pair.chosen) - actor
}

fn main() {}

//! The rejected response where the chosen one was promised.
collimate::prelude!();

#[reward]
pub fn odd(actor: &Actor, pair: &Pair) -> PerToken<LogProb, Chosen> {
    actor.logp(pair.rejected)
}

fn main() {}

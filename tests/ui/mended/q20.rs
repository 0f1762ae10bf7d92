collimate::prelude!();

#[reward]
pub fn even(actor: &Actor, pair: &Pair) -> PerToken<LogProb, Chosen> {
    actor.logp(pair.chosen)
}

fn main() {}

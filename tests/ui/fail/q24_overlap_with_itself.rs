//! The length of a response compared with its own.
collimate::prelude!();

#[loss]
pub fn shared(actor: &Actor, pair: &Pair) -> PerResponse<LogProb, Chosen> {
    (overlap(pair.chosen, pair.chosen) * actor.logp(pair.chosen)).sum(Token)
}

fn main() {}

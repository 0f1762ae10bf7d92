//! tunix 4f8d7237.
//! One side of a log-ratio is summed, the other is not: what the mask would have cut off is no token of the response.
collimate::prelude!();

#[reward]
pub fn implicit(actor: &Actor, reference: &Reference, pair: &Pair) -> PerResponse<LogRatio, Chosen> {
    (actor.logp(pair.chosen) - reference.logp(pair.chosen).sum(Token)).sum(Token)
}

fn main() {}

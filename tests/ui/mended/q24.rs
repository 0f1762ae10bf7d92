collimate::prelude!();

#[loss]
pub fn shared(actor: &Actor, pair: &Pair) -> PerResponse<LogProb, Chosen> {
    (overlap(pair.chosen, pair.rejected) * actor.logp(pair.chosen)).sum(Token)
}

fn main() {}

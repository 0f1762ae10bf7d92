//! A probability added to a log-probability.
collimate::prelude!();

#[loss]
pub fn odd(actor: &Actor, pair: &Pair) -> PerResponse<Loss, Chosen> {
    let logp = actor.logp(pair.chosen).sum(Token);
    let x = logp + logp.exp();
    -x
}

fn main() {}

collimate::prelude!();

#[loss]
pub fn even(actor: &Actor, pair: &Pair) -> PerResponse<Prob, Chosen> {
    let logp = actor.logp(pair.chosen).sum(Token);
    logp.exp() + logp.exp()
}

fn main() {}

collimate::prelude!();

#[reward]
pub fn implicit(actor: &Actor, pair: &Pair, beta: Param) -> PerResponse<Reward, Chosen> {
    let total = actor.logp(pair.chosen).sum(Token);
    (beta * total).as_reward()
}

fn main() {}

//! Log-probabilities of tokens, summed over prompts.
collimate::prelude!();

#[reward]
pub fn implicit(actor: &Actor, pair: &Pair, beta: Param) -> PerResponse<Reward, Chosen> {
    let total = actor.logp(pair.chosen).sum(Prompt);
    beta * total
}

fn main() {}

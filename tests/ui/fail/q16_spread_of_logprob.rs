//! Log-probabilities divided by their spread, as if they were scores.
collimate::prelude!();

#[loss]
pub fn scaled(actor: &Actor, group: &Group) -> PerResponse<Reward> {
    let logp = actor.logp(group.response).sum(Token);
    logp.as_reward() / group_std(logp)
}

fn main() {}

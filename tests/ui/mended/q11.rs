collimate::prelude!();

#[algorithm(paper = "REINFORCE")]
pub fn reinforce(actor: &Actor, group: &Group) -> Scalar<Loss> {
    let advantage = group.score - group_mean(group.score);
    let gain = actor.logp(group.response).sum(Token) * advantage;
    -gain.batch_mean()
}

fn main() {}

//! REINFORCE without a baseline.
collimate::prelude!();

#[algorithm(paper = "REINFORCE")]
pub fn reinforce(actor: &Actor, group: &Group) -> Scalar<Loss> {
    let gain = actor.logp(group.response).sum(Token) * group.score;
    -gain.batch_mean()
}

fn main() {}

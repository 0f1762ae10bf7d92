collimate::prelude!();

#[algorithm(paper = "arXiv:2402.14740")]
pub fn rloo(actor: &Actor, group: &Group) -> Scalar<Loss> {
    let advantage = group.score - leave_one_out(group.score);
    let gain = actor.logp(group.response).sum(Token) * advantage;
    -gain.batch_mean()
}

fn main() {}

collimate::prelude!();

/// REINFORCE with the mean of the other responses to the prompt as baseline.
#[algorithm(paper = "arXiv:2402.14740", separable)]
pub fn mine(actor: &Actor, group: &Group) -> Scalar<Loss> {
    let advantage = group.score - leave_one_out(group.score);
    -(actor.logp(group.response).sum(Token) * advantage).mean(Response).mean(Prompt)
}

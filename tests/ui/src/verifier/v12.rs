collimate::prelude!();

/// REINFORCE with the mean of the batch as baseline, promised to be cut into micro-batches.
#[algorithm(paper = "doi:10.1007/BF00992696", separable)]
pub fn mine(actor: &Actor, group: &Group) -> Scalar<Loss> {
    let advantage = group.score - group.score.batch_mean().as_baseline();
    -(actor.logp(group.response).sum(Token) * advantage).mean(Response).mean(Prompt)
}

collimate::prelude!();

/// A policy beside the actor, to be trained with it.
#[policy(trainable)]
pub struct Partner;

/// REINFORCE with the mean of the others as baseline.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, partner: &Partner, group: &Group) -> Scalar<Loss> {
    let logp = actor.logp(group.response).sum(Token).detach();
    let both = logp + partner.logp(group.response).sum(Token);
    let advantage = group.score - leave_one_out(group.score);
    -(both * advantage).mean(Response).mean(Prompt)
}

collimate::prelude!();

/// REINFORCE leave-one-out, held near the reference.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, reference: &Reference, group: &Group) -> Scalar<Loss> {
    let logp = actor.logp(group.response);
    let advantage = group.score - leave_one_out(group.score);
    let drift = k2(logp, reference.logp(group.response));
    -(logp * advantage).batch_mean() + 0.05 * drift.batch_mean()
}

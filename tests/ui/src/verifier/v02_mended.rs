collimate::prelude!();

/// Raises the likelihood of good responses, and shows how far the policy drifts.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, reference: &Reference, demo: &Demo) -> Scalar<Loss> {
    let logp = actor.logp(demo.response);
    report("drift", logp - reference.logp(demo.response));
    -logp.batch_mean()
}

collimate::prelude!();

/// Raises the likelihood of good responses near the reference.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, reference: &Reference, demo: &Demo) -> Scalar<Loss> {
    let logp = actor.logp(demo.response);
    let drift = (logp - reference.logp(demo.response)).squared();
    -logp.batch_mean() + 0.1 * drift.batch_mean()
}

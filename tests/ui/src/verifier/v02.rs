collimate::prelude!();

/// Raises the likelihood of good responses. The drift is worked out and dropped.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, reference: &Reference, demo: &Demo) -> Scalar<Loss> {
    let logp = actor.logp(demo.response);
    let _drift = logp - reference.logp(demo.response);
    -logp.batch_mean()
}

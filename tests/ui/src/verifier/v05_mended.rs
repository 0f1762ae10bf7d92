collimate::prelude!();

/// Raises the likelihood of good responses.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    let logp = actor.logp(demo.response);
    report("logp", logp);
    report("logp/response", logp.sum(Token));
    -logp.batch_mean()
}

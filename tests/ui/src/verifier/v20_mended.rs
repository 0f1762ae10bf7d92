collimate::prelude!();

/// Pushes up what is better than the samples have been so far.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, group: &Group) -> Scalar<Loss> {
    let mean = state::<Baseline>("mean", 0.0);
    mean.update(0.9 * mean + 0.1 * group.score.batch_mean().as_baseline());
    -((group.score - mean) * actor.logp(group.response).sum(Token)).batch_mean()
}

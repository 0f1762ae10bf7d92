collimate::prelude!();

/// Raises the chosen response over the rejected one.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, reference: &Reference, pair: &Pair) -> Scalar<Loss> {
    let chosen = 0.1 * (actor.logp(pair.chosen) - reference.logp(pair.chosen)).sum(Token);
    let rejected = 0.1 * (actor.logp(pair.rejected) - reference.logp(pair.rejected)).sum(Token);
    -log_sigmoid(chosen - rejected).mean(Prompt)
}

collimate::prelude!();

/// The same, as the limit of the distance.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, pair: &Pair) -> Scalar<Loss> {
    let margin = actor.logp(pair.chosen).sum(Token) - actor.logp(pair.rejected).sum(Token);
    -log_sigmoid(margin).mean(Prompt)
}

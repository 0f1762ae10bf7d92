collimate::prelude!();

/// Follows an infinite margin.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, pair: &Pair) -> Scalar<Loss> {
    let margin = actor.logp(pair.chosen).sum(Token) - actor.logp(pair.rejected).sum(Token);
    backward_kl(margin, fixed_margin(f64::INFINITY)).mean(Prompt)
}

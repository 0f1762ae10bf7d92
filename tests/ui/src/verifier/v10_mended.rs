collimate::prelude!();

/// How likely a response is for the actor.
#[loss]
pub fn likelihood(actor: &Actor, y: Reply<Answer>) -> PerResponse<LogProb, Answer> {
    actor.logp(y).mean(Token)
}

/// Raises the likelihood of good responses.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    -likelihood(actor, demo.response).batch_mean()
}

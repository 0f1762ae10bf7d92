collimate::prelude!();

/// Hyper-parameters of [`mine`].
#[derive(Hyper)]
pub struct Mine {
    /// Scale of the reward.
    #[hyper(default = 2.0, above = 0.0, at_most = 100.0)]
    pub beta: Param,
    /// By how much the chosen response should be ahead.
    #[hyper(default = 0.5, at_least = 0.0, at_most = 100.0)]
    pub gamma: Param,
}

/// Prefers the chosen response.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, pair: &Pair, hp: &Mine) -> Scalar<Loss> {
    let gap = actor.logp(pair.chosen).mean(Token) - actor.logp(pair.rejected).mean(Token);
    -log_sigmoid(hp.beta * gap - hp.gamma).mean(Prompt)
}

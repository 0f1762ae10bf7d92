collimate::prelude!();

/// Hyper-parameters of [`mine`].
#[derive(Hyper)]
pub struct Mine {
    /// Scale of the loss.
    #[hyper(default = 1.0, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// Raises the likelihood of good responses.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, demo: &Demo, hp: &Mine) -> Scalar<Loss> {
    -(hp.beta * actor.logp(demo.response)).batch_mean()
}

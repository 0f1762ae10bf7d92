collimate::prelude!();

/// How unlikely a response is for the actor.
#[loss]
pub fn surprise(actor: &Actor, y: Reply<Answer>) -> PerResponse<Gain, Answer> {
    (-actor.logp(y).mean(Token)).treat_as::<Gain>("its mean over tokens")
}

/// Raises the likelihood of good responses. The part it calls has the minus already.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    -surprise(actor, demo.response).batch_mean()
}

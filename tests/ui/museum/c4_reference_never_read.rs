//! TRL #2431, #1961.
//! Reference log-probabilities are computed and never used: the loss stays at ln 2.
collimate::prelude!();

#[derive(Hyper)]
pub struct Hp {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

#[algorithm(paper = "arXiv:2305.18290")]
pub fn dpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Hp) -> Scalar<Loss> {
    let chosen = (hp.beta * actor.logp(pair.chosen).sum(Token)).as_reward();
    let rejected = (hp.beta * actor.logp(pair.rejected).sum(Token)).as_reward();
    -log_sigmoid(chosen - rejected).mean(Prompt)
}

fn main() {}

//! Tokens of two different responses, subtracted one by one.
collimate::prelude!();

#[derive(Hyper)]
pub struct Hp {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

#[algorithm(paper = "arXiv:2305.18290")]
pub fn dpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Hp) -> Scalar<Loss> {
    let chosen = actor.logp(pair.chosen) - reference.logp(pair.chosen);
    let rejected = actor.logp(pair.rejected) - reference.logp(pair.rejected);
    let margin = hp.beta * (chosen - rejected);
    -log_sigmoid(margin).mean(Prompt)
}

fn main() {}

//! An algorithm that returns one loss for each prompt.
collimate::prelude!();

#[derive(Hyper)]
pub struct Hp {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

#[algorithm(paper = "arXiv:2305.18290")]
pub fn dpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Hp) -> PerPrompt<Loss> {
    let chosen = (actor.logp(pair.chosen) - reference.logp(pair.chosen)).sum(Token);
    let rejected = (actor.logp(pair.rejected) - reference.logp(pair.rejected)).sum(Token);
    -log_sigmoid(hp.beta * (chosen - rejected))
}

fn main() {}

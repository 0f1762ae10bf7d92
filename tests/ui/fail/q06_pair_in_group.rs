//! A chosen response compared with the other samples, of which there are none.
collimate::prelude!();

#[derive(Hyper)]
pub struct Hp {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

#[algorithm(paper = "arXiv:2402.14740")]
pub fn rloo(actor: &Actor, judge: &Judge, pair: &Pair, hp: &Hp) -> Scalar<Loss> {
    let reward = hp.beta * judge.score(pair.chosen);
    let advantage = reward - leave_one_out(reward);
    let gain = actor.logp(pair.chosen).sum(Token) * advantage;
    -gain.batch_mean()
}

fn main() {}

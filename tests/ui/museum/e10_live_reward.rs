//! verl #2953, TRL #2042.
//! A reward that holds the trained policy is used as a weight, and the gradient flows through it.
collimate::prelude!();

#[derive(Hyper)]
pub struct Hp {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

#[algorithm(paper = "arXiv:2402.14740")]
pub fn rloo(actor: &Actor, reference: &Reference, group: &Group, hp: &Hp) -> Scalar<Loss> {
    let logp = actor.logp(group.response);
    let reward = group.score - hp.beta * (logp - reference.logp(group.response)).sum(Token);
    let advantage = reward - leave_one_out(reward);
    -(logp.sum(Token) * advantage).batch_mean()
}

fn main() {}

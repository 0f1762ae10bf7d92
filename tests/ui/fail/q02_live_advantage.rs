//! The reward contains the policy being trained, and nothing was detached.
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
    let drift = (logp - reference.logp(group.response)).sum(Token);
    let reward = group.score - hp.beta * drift;
    let advantage = reward - leave_one_out(reward);
    let gain = logp.sum(Token) * advantage;
    -gain.mean(Response).mean(Prompt)
}

fn main() {}

//! Every role once, and the program it leaves.
collimate::prelude!();

#[derive(Hyper)]
pub struct Rloo {
    /// Responses drawn for each prompt.
    #[hyper(default = 4, at_least = 2)]
    pub samples: Count,
    /// Price of drifting from the reference, taken out of the reward.
    #[hyper(default = 0.05, at_least = 0.0, at_most = 1.0)]
    pub kl: Param,
}
/// The policy of an hour ago.
#[policy(frozen, from = Actor, refresh = "iteration")]
pub struct Anchor;
/// A second policy that is trained.
#[policy(trainable)]
pub struct Twin;

#[reward]
pub fn drift(actor: &Actor, anchor: &Anchor, y: Reply) -> PerResponse<LogRatio, Sample, NoGrad> {
    (actor.logp(y) - anchor.logp(y)).sum(Token).detach()
}
#[loss]
pub fn likelihood(twin: &Twin, y: Reply) -> Scalar<Loss> {
    -twin.logp(y).batch_mean()
}
#[algorithm(paper = "arXiv:2402.14740")]
pub fn rloo(actor: &Actor, anchor: &Anchor, twin: &Twin, group: &Group, hp: &Rloo) -> Scalar<Loss> {
    let reward = group.score - hp.kl * drift(actor, anchor, group.response);
    let advantage = reward - leave_one_out(reward);
    let gain = actor.logp(group.response).sum(Token) * advantage;
    -gain.mean(Response).mean(Prompt) + likelihood(twin, group.response)
}
#[algorithm]
pub fn unpublished(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    -actor.logp(demo.response).batch_mean()
}

fn main() {
    assert_eq!((RLOO.name, RLOO.view, (RLOO.hyper)().len()), ("rloo", "group", 2));
    assert_eq!((UNPUBLISHED.paper, UNPUBLISHED.view), ("", "demo"));
    assert!((RLOO.trace)().root.is_some() && (UNPUBLISHED.trace)().root.is_some());
}

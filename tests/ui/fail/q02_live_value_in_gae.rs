//! Advantages estimated with the critic that is being trained: its gradient would flow into the policy.
collimate::prelude!();

#[loss]
pub fn advantages(critic: &Critic, group: &Group, gamma: Param) -> PerToken<Advantage, Sample, NoGrad> {
    let (advantage, _) = gae(at_last(group.score), critic.value(group.response), gamma, 0.95);
    advantage
}

fn main() {}

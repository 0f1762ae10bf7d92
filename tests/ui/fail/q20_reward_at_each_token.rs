//! A reward for each token put on the last one.
collimate::prelude!();

#[loss]
pub fn paid(actor: &Actor, reference: &Reference, y: Reply) -> PerToken<Reward> {
    let drift = (actor.logp(y) - reference.logp(y)).as_reward();
    at_last(drift)
}

fn main() {}

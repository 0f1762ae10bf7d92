//! An advantage whitened with its gradient.
collimate::prelude!();

#[loss]
pub fn gain(actor: &Actor, reference: &Reference, y: Reply) -> PerToken<Gain> {
    let drift = (actor.logp(y) - reference.logp(y)).as_reward();
    actor.logp(y) * whiten(drift)
}

fn main() {}

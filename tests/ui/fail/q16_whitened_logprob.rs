//! Log-probabilities whitened instead of advantages.
collimate::prelude!();

#[loss]
pub fn whitened(actor: &Actor, reference: &Reference, y: Reply) -> PerToken<Gain> {
    actor.logp(y) * whiten(reference.logp(y))
}

fn main() {}

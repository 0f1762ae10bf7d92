collimate::prelude!();

#[reward]
pub fn drift(actor: &Actor, reference: &Reference, pair: &Pair) -> PerToken<LogRatio, Chosen> {
    actor.logp(pair.chosen) - reference.logp(pair.chosen)
}

fn main() {}

//! An estimate of the divergence for each token, of whole responses.
collimate::prelude!();

#[loss]
pub fn penalty(actor: &Actor, reference: &Reference, y: Reply) -> PerToken<Kl> {
    let reference = reference.logp(y).sum(Token);
    k3(actor.logp(y), reference)
}

fn main() {}

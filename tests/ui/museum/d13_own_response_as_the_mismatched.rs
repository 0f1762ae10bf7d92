//! TRL #1911, #1970, LLaMA-Factory #7509 (KTO).
//! The response itself is taken for the one that belongs to another prompt.
collimate::prelude!();

#[reward]
pub fn drift(actor: &Actor, reference: &Reference, other: Reply<Mismatched>) -> PerResponse<LogRatio, Mismatched> {
    (actor.logp(other) - reference.logp(other)).sum(Token)
}

#[reward]
pub fn reference_point(actor: &Actor, reference: &Reference, data: &Unpaired) -> PerResponse<LogRatio, Mismatched> {
    drift(actor, reference, data.response)
}

fn main() {}

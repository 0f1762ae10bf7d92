//! A frozen policy where the trained one belongs.
collimate::prelude!();

#[reward]
pub fn likelihood<Y: Side>(actor: &impl Trainable, y: Reply<Y>) -> PerResponse<LogProb, Y> {
    actor.logp(y).sum(Token)
}
#[reward]
pub fn mine(reference: &Reference, pair: &Pair) -> PerResponse<LogProb, Chosen> {
    likelihood(reference, pair.chosen)
}

fn main() {}

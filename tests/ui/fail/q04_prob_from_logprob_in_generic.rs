//! A probability taken from a log-probability, for any side.
collimate::prelude!();

#[reward]
pub fn implicit<Y: Side>(actor: &Actor, reference: &Reference, y: Reply<Y>, beta: Param) -> PerResponse<Reward, Y> {
    beta * (actor.logp(y) - reference.logp(y).exp()).sum(Token)
}

fn main() {}

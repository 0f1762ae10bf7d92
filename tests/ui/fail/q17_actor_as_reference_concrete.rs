//! The trained policy where the reference is asked for by name.
collimate::prelude!();

#[reward]
pub fn implicit<Y: Side>(actor: &Actor, reference: &Reference, y: Reply<Y>, beta: Param) -> PerResponse<Reward, Y> {
    beta * (actor.logp(y) - reference.logp(y)).sum(Token)
}
#[reward]
pub fn mine(actor: &Actor, pair: &Pair, beta: Param) -> PerResponse<Reward, Chosen> {
    implicit(actor, actor, pair.chosen, beta)
}

fn main() {}

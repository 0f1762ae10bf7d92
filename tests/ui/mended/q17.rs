collimate::prelude!();

#[reward]
pub fn implicit<Y: Side>(actor: &impl Trainable, reference: &impl Frozen, y: Reply<Y>, beta: Param) -> PerResponse<Reward, Y> {
    beta * (actor.logp(y) - reference.logp(y)).sum(Token)
}
#[reward]
pub fn mine(actor: &Actor, reference: &Reference, pair: &Pair, beta: Param) -> PerResponse<Reward, Chosen> {
    implicit(actor, reference, pair.chosen, beta)
}

fn main() {}

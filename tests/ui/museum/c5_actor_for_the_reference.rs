//! TRL #6443, NeMo-Aligner #227.
//! The reference's log-probabilities are computed with the policy that is trained.
collimate::prelude!();

#[reward]
pub fn implicit<Y: Side>(actor: &impl Trainable, reference: &impl Frozen, y: Reply<Y>) -> PerResponse<LogRatio, Y> {
    (actor.logp(y) - reference.logp(y)).sum(Token)
}

#[reward]
pub fn drift(actor: &Actor, pair: &Pair) -> PerResponse<LogRatio, Chosen> {
    implicit(actor, actor, pair.chosen)
}

fn main() {}

//! NeMo-Aligner, REINFORCE.
//! The mask of ended responses is applied, and the result dropped; the mean is over something else.
#![deny(unused_must_use)]
collimate::prelude!();

#[loss]
pub fn reinforce(loss: PerResponse<Loss>, group: &Group) -> Scalar<Loss> {
    group.ended * loss;
    loss.batch_mean()
}

fn main() {}

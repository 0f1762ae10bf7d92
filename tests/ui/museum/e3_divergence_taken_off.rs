//! OpenRLHF feeb0283, TRL #2575.
//! A divergence is taken off a loss, with the sign of a reward.
collimate::prelude!();

#[loss]
pub fn penalised(policy: Scalar<Loss>, drift: Scalar<Kl>, beta: Param) -> Scalar<Loss> {
    policy - beta * drift
}

fn main() {}

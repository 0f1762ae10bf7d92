//! LLaMA-Factory be0a807e8 (ORPO).
//! The log-probability of the chosen response is added to a loss: training would make it less likely.
collimate::prelude!();

#[loss]
pub fn orpo(actor: &Actor, pair: &Pair, odds: Scalar<Loss>) -> Scalar<Loss> {
    odds + actor.logp(pair.chosen).batch_mean()
}

fn main() {}

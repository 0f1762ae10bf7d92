//! TRL #1677, torchtune #1615, ms-swift #9925.
//! The target of IPO is for whole responses; here tokens of two responses are subtracted, and no one says sum or mean.
collimate::prelude!();

#[loss]
pub fn ipo(actor: &Actor, reference: &Reference, pair: &Pair, beta: Param) -> Scalar<Loss> {
    let chosen = actor.logp(pair.chosen) - reference.logp(pair.chosen);
    let rejected = actor.logp(pair.rejected) - reference.logp(pair.rejected);
    (chosen - rejected - 1.0 / (2.0 * beta)).squared().mean(Prompt)
}

fn main() {}

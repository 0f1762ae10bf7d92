//! TRL #3043, #4105 (JSD).
//! The weights of a mixture are given to the log-probabilities of two different responses.
collimate::prelude!();

#[loss]
pub fn blended(teacher: &Reference, actor: &Actor, pair: &Pair, beta: Param) -> Scalar<Loss> {
    let mixed = beta * teacher.logp(pair.chosen) + (1.0 - beta) * actor.logp(pair.rejected);
    -mixed.batch_mean()
}

fn main() {}

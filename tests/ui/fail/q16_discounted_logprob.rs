//! Log-probabilities discounted: only what is paid out at a token is.
collimate::prelude!();

#[loss]
pub fn discounted(actor: &Actor, y: Reply, decay: Param) -> PerToken<LogProb> {
    actor.logp(y).discounted_sum(decay)
}

fn main() {}

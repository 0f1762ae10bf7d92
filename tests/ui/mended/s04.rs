collimate::prelude!();

#[loss]
pub fn rpo<D: Distance>(actor: &Actor, pair: &ScoredPair) -> Scalar<Loss> {
    let ours = actor.logp(pair.chosen).sum(Token) - actor.logp(pair.rejected).sum(Token);
    D::between(ours, pair.chosen_score - pair.rejected_score).mean(Prompt)
}
#[algorithm]
pub fn rpo_squared(actor: &Actor, pair: &ScoredPair) -> Scalar<Loss> {
    rpo::<SquaredDistance>(actor, pair)
}

fn main() {}

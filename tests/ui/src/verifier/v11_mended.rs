collimate::prelude!();

/// Weighs every pair by how likely the policy finds it.
#[algorithm(paper = "none")]
pub fn mine(actor: &Actor, reference: &Reference, pair: &Pair) -> Scalar<Loss> {
    let (chosen, rejected) = (actor.logp(pair.chosen), actor.logp(pair.rejected));
    let likely = chosen.mean(Token).exp().detach().treat_as::<Weight>("the policy's own pairs count more");
    let chosen = 0.1 * (chosen - reference.logp(pair.chosen)).sum(Token);
    let rejected = 0.1 * (rejected - reference.logp(pair.rejected)).sum(Token);
    -(likely.mean(Response) * log_sigmoid(chosen - rejected)).mean(Prompt)
}

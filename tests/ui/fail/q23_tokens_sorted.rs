//! Tokens of different responses put in one order.
collimate::prelude!();

#[loss]
pub fn ranked(actor: &Actor, pair: &Pair) -> PerPrompt<Margin> {
    let chosen = sorted(actor.logp(pair.chosen)).sum(Token);
    let rejected = sorted(actor.logp(pair.rejected).sum(Token));
    chosen - rejected
}

fn main() {}

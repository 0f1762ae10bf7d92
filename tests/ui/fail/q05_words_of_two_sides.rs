collimate::prelude!();

/// How differently the actor goes on after the words of each response.
#[loss]
pub fn apart(actor: &Actor, pair: &Pair) -> PerPrompt<Margin> {
    actor.words(pair.chosen) - actor.words(pair.rejected)
}

fn main() {}

collimate::prelude!();

/// The entropy at each token.
#[loss]
pub fn undecided(actor: &Actor, demo: &Demo) -> PerToken<LogProb, Answer> {
    let words = actor.words(demo.response);
    (words.exp() * words).sum(Token)
}

fn main() {}

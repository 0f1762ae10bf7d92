//! Lengths compared token by token.
collimate::prelude!();

#[loss]
pub fn longer(pair: &Pair) -> PerPrompt<Margin, NoGrad> {
    overlap(pair.chosen, pair.rejected) - overlap(pair.rejected, pair.chosen)
}

fn main() {}

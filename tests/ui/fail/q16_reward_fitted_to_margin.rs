//! A reward fitted to a margin.
collimate::prelude!();

#[loss]
pub fn odd(reward: PerPrompt<Reward>, margin: PerPrompt<Margin, NoGrad>) -> PerPrompt<Loss> {
    squared_error(reward, margin)
}

fn main() {}

//! A product that means nothing.
collimate::prelude!();

#[loss]
pub fn odd(margin: PerPrompt<Margin>) -> PerPrompt<Loss> {
    (margin * margin).as_loss()
}

fn main() {}

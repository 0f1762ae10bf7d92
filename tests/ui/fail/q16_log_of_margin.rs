//! The logarithm of what has any sign.
collimate::prelude!();

#[loss]
pub fn odd(margin: PerPrompt<Margin>) -> PerPrompt<Loss> {
    let x = margin.ln();
    -x
}

fn main() {}

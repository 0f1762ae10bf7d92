collimate::prelude!();

#[loss]
pub fn preference(margin: PerPrompt<Margin>) -> PerPrompt<Loss> {
    let x = sigmoid(margin).ln();
    -x
}

fn main() {}

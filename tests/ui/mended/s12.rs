collimate::prelude!();

#[loss]
pub fn hinge(margin: PerPrompt<Margin>) -> PerPrompt<Loss> {
    max(1.0 - margin, 0.0).as_loss()
}

fn main() {}

//! A choice between formulas inside a formula.
collimate::prelude!();

#[loss]
pub fn hinge(margin: PerPrompt<Margin>) -> PerPrompt<Loss> {
    if margin > 1.0 { 0.0 * margin } else { 1.0 - margin }
}

fn main() {}

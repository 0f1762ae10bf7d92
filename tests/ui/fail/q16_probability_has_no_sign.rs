//! A choice by a probability, which is never negative.
collimate::prelude!();

#[loss]
pub fn chosen(margin: PerPrompt<Margin>, a: PerPrompt<Loss>, b: PerPrompt<Loss>) -> PerPrompt<Loss> {
    choose(sigmoid(margin), a, b)
}

fn main() {}

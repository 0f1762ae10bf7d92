//! A choice between whole responses by what differs from token to token.
collimate::prelude!();

#[loss]
pub fn either(advantage: PerToken<Advantage, Sample, NoGrad>, a: PerResponse<Gain>, b: PerResponse<Gain>) -> PerResponse<Gain> {
    when_negative(advantage, a, b)
}

fn main() {}

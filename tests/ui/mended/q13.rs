collimate::prelude!();

#[loss]
pub fn clipped(ratio: PerToken<Ratio>, advantage: PerToken<Advantage, Sample, NoGrad>, clip: Param) -> PerToken<Gain> {
    min(ratio * advantage, ratio.clamp(1.0 - clip, 1.0 + clip) * advantage)
}

fn main() {}

//! TRL DPO with Liger: `robust` runs with no noise.
//! A struct of options of which one is left out.
collimate::prelude!();

#[derive(Hyper)]
pub struct Robust {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How often a pair is labelled the wrong way round.
    #[hyper(default = 0.1, at_least = 0.0, below = 0.5)]
    pub label_smoothing: Param,
}

#[loss]
pub fn robust(margin: PerPrompt<Margin>, hp: &Robust) -> PerPrompt<Loss> {
    -log_sigmoid(hp.beta * margin)
}

#[loss]
pub fn fused(margin: PerPrompt<Margin>, beta: Param) -> Scalar<Loss> {
    robust(margin, &Robust { beta }).mean(Prompt)
}

fn main() {}

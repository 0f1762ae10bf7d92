//! Numbers stand where a paper writes them.
collimate::prelude!();

#[derive(Hyper)]
pub struct Hp {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0)]
    pub beta: Param,
}

pub fn all(x: PerToken<Ratio>, m: PerPrompt<Margin>, s: Scalar<Loss>, hp: &Hp) -> Scalar<Loss> {
    let _: PerToken<Ratio> = 0.5 * 2.0 * x;
    let _: PerToken<Ratio> = x * 0.5 * 2.0;
    let _: PerToken<Ratio> = 1 - x;
    let _: PerToken<Ratio> = 1.0 - x;
    let _: PerToken<Ratio> = x - 1;
    let _: PerPrompt<Margin> = m / 2;
    let _: PerPrompt<Margin> = hp.beta / 2.0 * m;
    let _: PerPrompt<Margin> = 1.0 / hp.beta * m;
    let _: PerPrompt<Margin> = 1.0 / (2.0 * hp.beta) * m;
    let _: PerPrompt<Margin> = -hp.beta * m;
    let _: PerPrompt<Margin> = -m;
    let _: PerPrompt<Margin> = (1.0 + hp.beta) * (1.0 - hp.beta) * m;
    let c = 0.2;
    let _: PerPrompt<Margin> = c * m + m * c;
    let n = 3;
    let _: PerPrompt<Margin> = n * m;
    let _: PerToken<Ratio> = x.clamp(-0.2, 0.2).clamp(-hp.beta, hp.beta).clamp(1 - hp.beta, 1.0 + hp.beta).clamp(0, 1);
    let _: PerPrompt<Margin> = max(m, 0);
    let _: PerPrompt<Margin> = max(1.0 - m, 0.0);
    let _: PerToken<Ratio> = min(x, 1.0 + hp.beta);
    let _: PerPrompt<Margin, NoGrad> = fixed_margin(((1.0 - hp.beta) / hp.beta).ln()) + fixed_margin(2);
    s + 0.5 * m.squared().mean(Prompt) - 0.5 * log_sigmoid(m).mean(Prompt)
}

fn main() {}

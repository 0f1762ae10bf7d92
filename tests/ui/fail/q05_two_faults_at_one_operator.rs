//! Two sides and two kinds: one error, the outer one.
collimate::prelude!();

#[loss]
pub fn odd(chosen: PerToken<LogProb, Chosen>, rejected: PerToken<Prob, Rejected>) -> PerPrompt<Loss> {
    let margin = chosen - rejected;
    -log_sigmoid(margin)
}

fn main() {}

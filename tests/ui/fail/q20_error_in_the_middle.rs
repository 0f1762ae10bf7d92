//! One mistake early in a chain gives one error.
collimate::prelude!();

#[loss]
pub fn odd(logp: PerToken<LogProb>, prob: PerToken<Prob>, beta: Param) -> Scalar<Loss> {
    let a = (logp - prob).sum(Token);
    let b = beta * a;
    let c = b - leave_one_out(b);
    -log_sigmoid(c).mean(Response).mean(Prompt)
}

fn main() {}

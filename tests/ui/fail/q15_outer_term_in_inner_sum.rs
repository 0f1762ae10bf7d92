//! A loss of the batch, counted once for every token.
collimate::prelude!();

#[loss]
pub fn odd(policy: PerToken<Loss>, value: Scalar<Loss>) -> Scalar<Loss> {
    (policy + value).sum(Token).mean(Response).mean(Prompt)
}

fn main() {}

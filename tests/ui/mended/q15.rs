collimate::prelude!();

#[loss]
pub fn both(policy: PerToken<Loss>, value: Scalar<Loss>) -> Scalar<Loss> {
    policy.sum(Token).mean(Response).mean(Prompt) + value
}

fn main() {}

//! A default that is not allowed.
collimate::prelude!();

#[derive(Hyper)]
pub struct Dpo {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 20.0, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

fn main() {}

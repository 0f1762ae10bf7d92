//! A hyper-parameter that may be anything.
collimate::prelude!();

#[derive(Hyper)]
pub struct Dpo {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1)]
    pub beta: Param,
}

fn main() {}

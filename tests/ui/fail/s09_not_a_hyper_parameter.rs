//! A field that is no hyper-parameter.
collimate::prelude!();

#[derive(Hyper)]
pub struct Dpo {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: f64,
}

fn main() {}

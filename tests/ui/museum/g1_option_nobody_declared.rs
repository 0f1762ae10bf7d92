//! NeMo-RL, `extra="allow"` in 51 configurations.
//! An option is given that the algorithm does not have.
collimate::prelude!();

#[derive(Hyper)]
pub struct Hp {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, maximum = 10.0)]
    pub beta: Param,
}

fn main() {}

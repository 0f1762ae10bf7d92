//! A hyper-parameter nobody can look up.
collimate::prelude!();

#[derive(Hyper)]
pub struct Dpo {
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

fn main() {}

//! A role on something that cannot have it.
collimate::prelude!();

#[algorithm(paper = "arXiv:2305.18290")]
pub struct Dpo;

fn main() {}

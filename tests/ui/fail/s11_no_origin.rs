//! A frozen policy that is a copy of nothing.
collimate::prelude!();

#[policy(frozen)]
pub struct Anchor;

fn main() {}

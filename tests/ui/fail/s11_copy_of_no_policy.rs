//! A policy that is a copy of data.
collimate::prelude!();

#[policy(frozen, from = Pair)]
pub struct Anchor;

fn main() {}

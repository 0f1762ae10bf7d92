//! A policy that may be anything.
collimate::prelude!();

#[policy]
pub struct Anchor;

fn main() {}

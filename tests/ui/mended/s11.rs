collimate::prelude!();

/// The actor of the iteration before.
#[policy(frozen, from = Actor, refresh = "iteration")]
pub struct Anchor;

fn main() {}

//! A quotient that means nothing.
collimate::prelude!();

#[reward]
pub fn odd(reward: PerResponse<Reward>) -> PerResponse<Reward> {
    reward / reward
}

fn main() {}

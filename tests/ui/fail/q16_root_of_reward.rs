//! The square root of what has any sign.
collimate::prelude!();

#[loss]
pub fn dampened(reward: PerResponse<Reward>) -> PerResponse<Reward> {
    reward.sqrt()
}

fn main() {}

collimate::prelude!();

#[reward]
pub fn halved(reward: PerResponse<Reward>) -> PerResponse<Reward> {
    reward / 2.0
}

fn main() {}

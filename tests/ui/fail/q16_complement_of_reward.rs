//! The odds of a reward, which is no probability.
collimate::prelude!();

#[loss]
pub fn odds(reward: PerResponse<Reward>) -> PerResponse<LogRatio> {
    reward.log_odds()
}

fn main() {}

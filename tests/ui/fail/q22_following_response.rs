//! What follows a whole response.
collimate::prelude!();

#[loss]
pub fn surprise(score: PerResponse<Reward>, value: PerResponse<Value>) -> PerResponse<Return> {
    score + 0.99 * value.following()
}

fn main() {}

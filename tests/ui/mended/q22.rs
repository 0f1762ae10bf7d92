collimate::prelude!();

#[loss]
pub fn surprise(score: PerResponse<Reward>, value: PerToken<Value>) -> PerToken<Return> {
    at_last(score) + 0.99 * value.following()
}

fn main() {}

//! The mean over a group of what is no reward.
collimate::prelude!();

#[loss]
pub fn odd(value: PerResponse<Value>) -> PerResponse<Baseline> {
    leave_one_out(value)
}

fn main() {}

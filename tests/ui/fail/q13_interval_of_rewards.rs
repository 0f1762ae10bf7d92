//! An interval bounded by rewards, which are in no unit of spread.
collimate::prelude!();

#[loss]
pub fn likely(low: PerResponse<Reward>, high: PerResponse<Reward>) -> PerResponse<LogProb> {
    log_interval(low, high)
}

fn main() {}

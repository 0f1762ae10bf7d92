//! A sum along a response of what is already one number for it.
collimate::prelude!();

#[loss]
pub fn still_to_come(group: &Group, decay: Param) -> PerResponse<Return, Sample, NoGrad> {
    group.score.discounted_sum(decay)
}

fn main() {}

//! A gain where the condition holds, a loss where it does not.
collimate::prelude!();

#[loss]
pub fn either(group: &Group, gain: PerResponse<Gain>, loss: PerResponse<Loss>) -> PerResponse<Gain> {
    choose(group.ended, gain, loss)
}

fn main() {}

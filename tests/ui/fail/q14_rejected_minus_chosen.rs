//! A margin the wrong way round.
collimate::prelude!();

#[loss]
pub fn odd(chosen: PerResponse<Reward, Chosen>, rejected: PerResponse<Reward, Rejected>) -> PerPrompt<Loss> {
    let margin = rejected - chosen;
    -log_sigmoid(margin)
}

fn main() {}

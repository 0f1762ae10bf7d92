collimate::prelude!();

#[loss]
pub fn preference(chosen: PerResponse<Reward, Chosen>, rejected: PerResponse<Reward, Rejected>) -> PerPrompt<Loss> {
    let margin = chosen - rejected;
    -log_sigmoid(margin)
}

fn main() {}

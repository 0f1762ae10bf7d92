//! LLaMA-Factory #6050.
//! The same slip in the loss itself.
collimate::prelude!();

#[loss]
pub fn dpo(chosen: PerResponse<Reward, Chosen>, rejected: PerResponse<Reward, Rejected>) -> Scalar<Loss> {
    -log_sigmoid(rejected - chosen).mean(Prompt)
}

fn main() {}

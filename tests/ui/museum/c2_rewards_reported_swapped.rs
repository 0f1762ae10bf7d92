//! LLaMA-Factory #6050.
//! Chosen and rejected change places on their way to the metrics.
collimate::prelude!();

#[loss]
pub fn dpo(chosen: PerResponse<Reward, Chosen>, rejected: PerResponse<Reward, Rejected>) -> Scalar<Loss> {
    report_rewards(rejected, chosen);
    -log_sigmoid(chosen - rejected).mean(Prompt)
}

fn main() {}

//! TRL #2153 (KTO).
//! The drift on responses to other prompts, response by response, is subtracted from the reward: they are other responses, in another number.
collimate::prelude!();

#[loss]
pub fn kto(reward: PerResponse<Reward, Answer>, drift: PerResponse<Reward, Mismatched, NoGrad>) -> Scalar<Loss> {
    -log_sigmoid(reward - drift).batch_mean()
}

fn main() {}

//! A critic fitted to its own prediction.
collimate::prelude!();

#[loss]
pub fn odd(critic: &Critic, y: Reply) -> Scalar<Loss> {
    squared_error(critic.value(y), critic.value(y)).batch_mean()
}

fn main() {}

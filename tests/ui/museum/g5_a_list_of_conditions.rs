//! TRL #4499.
//! A loss is chosen by its name inside the formula; the list of names misses the new one.
collimate::prelude!();

#[loss]
pub fn grpo(ratio: PerToken<Loss>, clipped: PerToken<Loss>, name: &str) -> Scalar<Loss> {
    match name {
        "grpo" | "dapo" => clipped.batch_mean(),
        _ => ratio.batch_mean(),
    }
}

fn main() {}

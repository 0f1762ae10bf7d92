//! Liger #484, #486, #489.
//! The smoothed half is subtracted, where it should be added.
collimate::prelude!();

#[loss]
pub fn cdpo(margin: PerPrompt<Margin>, e: Param) -> Scalar<Loss> {
    -((1.0 - e) * log_sigmoid(margin) - e * log_sigmoid(-margin)).mean(Prompt)
}

fn main() {}

//! Anchored Preference Optimization, "zero", arXiv:2408.06266, on single responses, as TRL has it.
//!
//! With the implicit reward `r(y) = beta log(pi(y | x) / pi_ref(y | x))`:
//!
//! ```text
//! L = mean over responses of lambda_D [1 - sigmoid(r(y))]   if y is liked
//!                            lambda_U sigmoid(r(y))         if it is not
//! ```
//!
//! KTO with the reference point left out.

crate::prelude!();
use crate::dpo::implicit;
use crate::kto::Kto;

/// Anchored Preference Optimization on single responses: liked ones up, others down, each from where it started.
#[algorithm(paper = "arXiv:2408.06266")]
pub fn apo_zero_unpaired(actor: &Actor, reference: &Reference, data: &Unpaired, hp: &Kto) -> Scalar<Loss> {
    let reward = implicit(actor, reference, data.response, hp.beta);
    let liked = hp.desirable_weight * (1.0 - sigmoid(reward));
    let disliked = hp.undesirable_weight * sigmoid(reward);
    choose(data.label, liked, disliked).as_loss().batch_mean()
}

/// TRL's `KTOTrainer` with `loss_type="apo_zero_unpaired"`: the same formula.
#[algorithm(
    paper = "arXiv:2408.06266",
    preset = "apo_zero_unpaired@trl",
    source = "TRL 1.9, trl/trainer/kto_trainer.py, f2cd5771, loss_type apo_zero_unpaired"
)]
pub fn apo_zero_unpaired_trl(actor: &Actor, reference: &Reference, data: &Unpaired, hp: &Kto) -> Scalar<Loss> {
    apo_zero_unpaired(actor, reference, data, hp)
}

#[cfg(test)]
mod tests {
    use super::APO_ZERO_UNPAIRED;
    use crate::eval::logistic;
    use crate::given::liked_or_not;
    use crate::ir::SideTag;

    #[test]
    fn responses_are_held_against_where_they_started() {
        let expected = (2.0 * logistic(-0.1) + 3.0 * logistic(-0.2)) / 2.0;
        let settings = [("beta", 0.1), ("desirable_weight", 2.0), ("undesirable_weight", 3.0)];
        liked_or_not([0.0, 0.0]).check(&APO_ZERO_UNPAIRED, &settings, expected);
    }
    #[test]
    fn liked_tokens_are_pushed_up_and_others_down() {
        let slope = |reward: f64| 0.1 * logistic(reward) * logistic(-reward) / 2.0;
        let (liked, disliked) = (slope(0.1), slope(0.2));
        liked_or_not([0.0, 0.0]).check_gradient(&APO_ZERO_UNPAIRED, &[], SideTag::Answer, &[-liked, -liked, disliked]);
    }
}

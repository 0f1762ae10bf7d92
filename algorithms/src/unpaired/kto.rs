//! Kahneman-Tversky Optimization, arXiv:2402.01306.
//!
//! With the log-ratio `h(y) = log(pi(y | x) / pi_ref(y | x))` of a whole response, and responses `y'` that belong to
//! other prompts of the batch (equation 8):
//!
//! ```text
//! z = max(0, mean over the batch of h(y'))                     (a constant: no gradient)
//! L = mean over responses of lambda_D [1 - sigmoid(beta (h(y) - z))]   if y is liked
//!                            lambda_U [1 - sigmoid(beta (z - h(y)))]   if it is not
//! ```
//!
//! `z` estimates how far the policy is from the reference; a response is a gain or a loss against that. It needs the
//! whole batch, and so two passes. `lambda_D` and `lambda_U` are `desirable_weight` and `undesirable_weight`, as in TRL.
//!
//! Others differ in `z`: LLaMA-Factory's `kto_pair` takes the other half of the pairs, Liger has it from its caller.

crate::prelude!();
use crate::dpo::implicit;

/// Hyper-parameters of [`kto`].
#[derive(Hyper)]
pub struct Kto {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// Weight of the responses that are liked.
    #[hyper(default = 1.0, at_least = 0.0, at_most = 1000.0)]
    pub desirable_weight: Param,
    /// Weight of the responses that are not.
    #[hyper(default = 1.0, at_least = 0.0, at_most = 1000.0)]
    pub undesirable_weight: Param,
}

/// `beta z`: how far the policy has moved on responses to other prompts, as a reward; never negative.
#[reward]
pub fn reference_point(
    actor: &Actor,
    reference: &Reference,
    other: Reply<Mismatched>,
    beta: Param,
) -> Scalar<Baseline, NoGrad> {
    let moved = (actor.logp(other) - reference.logp(other)).sum(Token).detach();
    let kl = max(moved.batch_mean().as_kl(), 0.0);
    report("kl", kl);
    (beta * kl).as_baseline()
}

/// Kahneman-Tversky Optimization: raises what is liked and lowers what is not, against how far the policy has moved.
#[algorithm(paper = "arXiv:2402.01306")]
pub fn kto(actor: &Actor, reference: &Reference, data: &Unpaired, hp: &Kto) -> Scalar<Loss> {
    let reward = implicit(actor, reference, data.response, hp.beta);
    let gain = reward - reference_point(actor, reference, data.other, hp.beta);
    let liked = hp.desirable_weight * (1.0 - sigmoid(gain));
    let disliked = hp.undesirable_weight * (1.0 - sigmoid(-gain));
    choose(data.label, liked, disliked).as_loss().batch_mean()
}

/// TRL's `KTOTrainer` with `loss_type="kto"`: the same formula, where the batch is a micro-batch of all devices.
#[algorithm(
    paper = "arXiv:2402.01306",
    preset = "kto@trl",
    source = "TRL 1.9, trl/trainer/kto_trainer.py, f2cd5771, loss_type kto"
)]
pub fn kto_trl(actor: &Actor, reference: &Reference, data: &Unpaired, hp: &Kto) -> Scalar<Loss> {
    kto(actor, reference, data, hp)
}

/// Hyper-parameters of [`kto_llamafactory`].
#[derive(Hyper)]
pub struct KtoLlamafactory {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// LLaMA-Factory's `pref_loss: kto_pair`: each half of the pairs is held against how far the policy moved on the other.
///
/// The gradient flows through the reference points there, and so it does here.
#[algorithm(
    paper = "arXiv:2402.01306",
    preset = "kto@llamafactory",
    source = "LLaMA-Factory 0.9.5, src/llamafactory/train/dpo/trainer.py, ff6d4d12, pref_loss kto_pair"
)]
pub fn kto_llamafactory(actor: &Actor, reference: &Reference, pair: &Pair, hp: &KtoLlamafactory) -> Scalar<Loss> {
    let chosen = (actor.logp(pair.chosen) - reference.logp(pair.chosen)).sum(Token);
    let rejected = (actor.logp(pair.rejected) - reference.logp(pair.rejected)).sum(Token);
    let point = "how far the policy has moved, trained through";
    let of_chosen = (hp.beta * max(chosen.batch_mean().as_kl(), 0.0)).treat_as::<Baseline>(point);
    let of_rejected = (hp.beta * max(rejected.batch_mean().as_kl(), 0.0)).treat_as::<Baseline>(point);
    report_rewards(hp.beta * chosen, hp.beta * rejected);
    let liked = 1.0 - sigmoid(hp.beta * chosen - of_rejected);
    let disliked = 1.0 - sigmoid(-(hp.beta * rejected - of_chosen));
    (0.5 * (liked + disliked)).as_loss().mean(Prompt)
}

/// Hyper-parameters of [`kto_liger`].
#[derive(Hyper)]
pub struct KtoLiger {
    /// How strongly the policy is held to the reference.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How far the policy has moved: the caller's number.
    #[hyper(default = 0.0, at_least = 0.0, at_most = 1e6)]
    pub kl: Param,
}

/// Liger's: the reference point is a number the caller gives, and both sorts of responses weigh the same.
#[algorithm(
    paper = "arXiv:2402.01306",
    preset = "kto@liger",
    source = "Liger-Kernel 0.8.2, src/liger_kernel/chunked_loss/kto_loss.py, ead96b61"
)]
pub fn kto_liger(actor: &Actor, reference: &Reference, data: &Unpaired, hp: &KtoLiger) -> Scalar<Loss> {
    let gain = implicit(actor, reference, data.response, hp.beta) - hp.beta * hp.kl;
    choose(data.label, 1.0 - sigmoid(gain), 1.0 - sigmoid(-gain)).as_loss().batch_mean()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::logistic;
    use crate::given::{liked_or_not, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn responses_are_held_against_the_reference_point() {
        // Log-ratios of 1 and -2; of the mismatched responses 1.5 and -0.5: z = 0.5.
        let expected = (2.0 * (1.0 - logistic(0.1 * 0.5)) + 3.0 * (1.0 - logistic(0.1 * 2.5))) / 2.0;
        let settings = [("beta", 0.1), ("desirable_weight", 2.0), ("undesirable_weight", 3.0)];
        liked_or_not([1.5, -0.5]).check(&KTO, &settings, expected);
        liked_or_not([1.5, -0.5]).check(&KTO_TRL, &settings, expected);
    }
    #[test]
    fn the_reference_point_is_never_negative() {
        let expected = ((1.0 - logistic(0.1)) + (1.0 - logistic(0.2))) / 2.0;
        liked_or_not([0.5, -0.9]).check(&KTO, &[("beta", 0.1)], expected);
        liked_or_not([0.5, -0.9]).check(&KTO_LIGER, &[("beta", 0.1)], expected);
    }
    #[test]
    fn the_reference_point_is_not_trained() {
        let given = liked_or_not([1.5, -0.5]);
        let slope = |gain: f64| 0.1 * logistic(gain) * logistic(-gain) / 2.0;
        let (liked, disliked) = (slope(0.05), slope(0.25));
        given.check_gradient(&KTO, &[], SideTag::Answer, &[-liked, -liked, disliked]);
        given.check_gradient(&KTO, &[], SideTag::Mismatched, &[0.0, 0.0]);
        given.check(&KTO_LIGER, &[("kl", 0.5)], given.loss(&KTO, &[]));
    }
    #[test]
    fn pairs_are_held_against_the_other_half() {
        // Log-ratios of 0, 0.1 and -0.9 (mean below 0) and of 0, -9.9 and -20.9 (likewise): both points are 0.
        three_pairs().check(&KTO_LLAMAFACTORY, &[("beta", 0.1)], 0.5 * 0.800_323_166);
    }
}

//! Pairs of scores written by hand, for the numbers the reward models assert of themselves.

use crate::Algorithm;
use crate::given::Given;
use crate::ir::SideTag;

/// One pair for each lead: the rejected response scores .4, the chosen one that much more.
pub(super) fn pairs(leads: &[f64]) -> Given {
    let chosen: Vec<f64> = leads.iter().map(|lead| 0.4 + lead).collect();
    Given::prompts(&[SideTag::Chosen, SideTag::Rejected], leads.len())
        .says("reward_model", "score", Some(SideTag::Chosen), &chosen)
        .says("reward_model", "score", Some(SideTag::Rejected), &vec![0.4; leads.len()])
}

/// Asserts the derivative of each pair's loss by its lead: that of the mean by the chosen score, and less it by the
/// rejected one.
#[track_caller]
pub(super) fn check_slopes(given: &Given, algorithm: &Algorithm, settings: &[(&str, f64)], slopes: &[f64]) {
    let share = |sign: f64| slopes.iter().map(|slope| sign * slope / slopes.len() as f64).collect::<Vec<_>>();
    given.check_gradient_by(algorithm, settings, ("reward_model", "score", SideTag::Chosen), &share(1.0));
    given.check_gradient_by(algorithm, settings, ("reward_model", "score", SideTag::Rejected), &share(-1.0));
}

//! Group Relative Policy Optimization as tunix has it.

crate::prelude!();
use super::advantage::standardised;
use super::ratio::clipped;

/// Hyper-parameters of [`grpo_tunix`].
#[derive(Hyper)]
pub struct GrpoTunix {
    /// The price of drifting from the reference.
    #[hyper(default = 0.04, at_least = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How far the ratio may move from 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
}

/// tunix's GRPO (`sequence-mean-token-mean`): 1e-6 added to the deviation, log-ratios held between -20 and 20, and the
/// mean over all responses of the batch.
#[algorithm(
    paper = "arXiv:2402.03300",
    preset = "grpo@tunix",
    source = "tunix, tunix/rl/algo_core.py, c7d8950f, policy loss grpo"
)]
pub fn grpo_tunix(
    actor: &Actor,
    behavior: &Behavior,
    reference: &Reference,
    group: &Group,
    hp: &GrpoTunix,
) -> Scalar<Loss> {
    let logp = actor.logp(group.response);
    let rho = (logp - behavior.logp(group.response)).clamp(-20.0, 20.0).exp();
    let gain = clipped(rho, standardised(group.score, 1e-6), hp.epsilon, hp.epsilon);
    (-gain + hp.beta * k3(logp, reference.logp(group.response))).mean(Token).batch_mean()
}

#[cfg(test)]
mod tests {
    use super::GRPO_TUNIX;
    use crate::given::{Given, two_groups};
    use crate::policy_gradient::grpo::GRPO_TRL;

    #[test]
    fn it_differs_from_trls_by_what_is_added_to_the_deviation() {
        let beta = [("beta", 0.04)];
        let (ours, trl) = (two_groups().loss(&GRPO_TUNIX, &beta), two_groups().loss(&GRPO_TRL, &beta));
        assert!(ours != trl && (ours - trl).abs() < 1e-3, "{ours}, {trl}");
        let alone = Given::default()
            .sample(0, &[("actor", &[-1.0]), ("behavior", &[-1.0]), ("reference", &[-1.0])])
            .group("score", &[0.7]);
        alone.check(&GRPO_TUNIX, &[], 0.0);
    }
}

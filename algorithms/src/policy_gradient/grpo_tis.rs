//! GRPO with truncated importance sampling: Yao et al., 2025, <https://fengyao.notion.site/off-policy-rl>.
//!
//! Responses are often drawn by another program than the one that trains: a server, with other kernels and other rounding,
//! or with weights a few steps old. What that program says of each token it drew is `pi_sampler`; what the trained model
//! said of it before its first step on these responses is `pi_old`. Each token's gain counts by how much likelier it was
//! to the one than to the other, limited so that no token counts too much:
//!
//! ```text
//! w_t = min(pi_old(y_t) / pi_sampler(y_t), cap), a constant
//! L   = mean over prompts of the mean over their responses of the mean over their tokens of
//!         - w_t min(rho_t A, clip(rho_t, 1 - epsilon, 1 + epsilon) A) + beta k3_t
//! ```
//!
//! `A`, `rho` and `k3` are those of `grpo`. With a sampler that agrees with the model, it is `grpo`.

crate::prelude!();
use super::advantage::standardised;
use super::ratio::{clipped, token_ratio};

/// Whoever drew the responses, by what it said of their tokens itself.
#[policy(frozen, from = Actor, refresh = "rollout")]
pub struct Sampler;

/// Hyper-parameters of [`grpo_tis`].
#[derive(Hyper)]
pub struct GrpoTis {
    /// The price of drifting from the reference.
    #[hyper(default = 0.04, at_least = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// How far the ratio may move from 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    pub epsilon: Param,
    /// How many times a token may count.
    #[hyper(default = 2.0, at_least = 1.0, at_most = 1e6)]
    pub cap: Param,
}

/// GRPO on responses that another program drew: each token counts by how much likelier it was to the model itself.
#[algorithm(paper = "https://fengyao.notion.site/off-policy-rl")]
pub fn grpo_tis(
    actor: &Actor,
    behavior: &Behavior,
    sampler: &Sampler,
    reference: &Reference,
    group: &Group,
    hp: &GrpoTis,
) -> Scalar<Loss> {
    let weight = min((behavior.logp(group.response) - sampler.logp(group.response)).exp(), hp.cap).as_weight();
    let rho = token_ratio(actor, behavior, group.response);
    let gain = clipped(rho, standardised(group.score, 1e-4), hp.epsilon, hp.epsilon);
    let drift = k3(actor.logp(group.response), reference.logp(group.response));
    (-(weight * gain) + hp.beta * drift).mean(Token).mean(Response).mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::GRPO_TIS;
    use crate::given::two_groups;
    use crate::grpo::GRPO;
    use crate::ir::SideTag;

    const ACTOR: (&str, &str, SideTag) = ("actor", "logp", SideTag::Sample);

    /// What drew the responses of [`two_groups`], token by token.
    const BEHAVIOR: [f64; 9] = [-1.2, -0.4, -1.5, -0.7, -1.4, -0.2, -0.6, -1.5, -0.9];

    #[test]
    fn where_the_sampler_agrees_it_is_grpo() {
        let given = two_groups().says("sampler", "logp", Some(SideTag::Sample), &BEHAVIOR);
        let theirs = given.gradient_by(&GRPO, &[], ACTOR);
        given.check_samples(&GRPO_TIS, &[], given.loss(&GRPO, &[]), &theirs);
    }

    #[test]
    fn a_token_counts_by_how_much_likelier_it_was_but_no_more_than_the_cap() {
        // The sampler found the first token half as likely, the fourth a tenth, the last twice.
        let moved = [(0, -2_f64.ln()), (3, -10_f64.ln()), (8, 2_f64.ln())];
        let mut sampler = BEHAVIOR;
        moved.iter().for_each(|(token, by)| sampler[*token] += by);
        let given = two_groups().says("sampler", "logp", Some(SideTag::Sample), &sampler);
        let mut expected = given.gradient_by(&GRPO, &[("beta", 0.0)], ACTOR);
        for (token, weight) in [(0, 2.0), (3, 3.0), (8, 0.5)] {
            expected[token] *= weight;
        }
        given.check_gradient(&GRPO_TIS, &[("beta", 0.0), ("cap", 3.0)], SideTag::Sample, &expected);
    }
}

//! V13: no estimate of a divergence is trained through whose gradient is not a divergence's.
//!
//! The value of `k1`, `log pi - log pi_ref` of a token that was drawn, is right on average and belongs into a reward. Its
//! gradient is zero on average: in a loss it trains nothing, and only adds noise. `|k1|` has a gradient of fixed size
//! that is no divergence's. `k2`'s is right, `k3`'s is that of the reverse divergence, which `explain` says.

use super::Problem;
use crate::Spec;
use crate::flow;
use crate::ir::{Estimator, Op, Program};

pub(super) fn check(program: &Program, _: &[Spec]) -> Vec<Problem> {
    let Some(root) = program.root else { return Vec::new() };
    let trained = flow::gradient_from(program, [root]);
    let wrong = |(i, node): (usize, &crate::ir::Node)| {
        let what = match node.op {
            Op::Estimate(Estimator::K1) => "is zero on average: it trains nothing",
            Op::Estimate(Estimator::AbsK1) => "has a fixed size and is no divergence's",
            _ => return None,
        };
        let message = format!("the gradient of `{}` {what}", node.op.word());
        let help = "put `k2` into the loss, or `.detach()` this and take it from the reward";
        (trained[i] && node.ty.live).then(|| Problem::new("V13", message, &node.place, help))
    };
    program.nodes.iter().enumerate().filter_map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use crate::ir::Program;
    use crate::verify::trial::codes;
    use crate::{Arg, trace};
    crate::prelude!();

    fn penalized(
        estimate: impl FnOnce(PerToken<LogProb>, PerToken<LogProb, Sample, NoGrad>) -> PerToken<Kl>,
    ) -> Program {
        trace("penalized", || {
            let (actor, reference, group) = (Actor::arg(), Reference::arg(), Group::arg());
            let (logp, other) = (actor.logp(group.response), reference.logp(group.response));
            let advantage = (group.score - leave_one_out(group.score)).detach();
            -(logp * advantage).batch_mean() + 0.1 * estimate(logp, other).batch_mean()
        })
    }

    #[test]
    fn an_estimate_without_a_gradient_is_told_in_a_loss() {
        assert_eq!(codes(&penalized(k1), &[]), ["V13"]);
        assert_eq!(codes(&penalized(abs_k1), &[]), ["V13"]);
        assert_eq!(codes(&penalized(k2), &[]), [""; 0]);
        assert_eq!(codes(&penalized(k3), &[]), [""; 0]);
    }

    #[test]
    fn in_a_reward_the_value_counts() {
        let program = trace("rewarded", || {
            let (actor, reference, group) = (Actor::arg(), Reference::arg(), Group::arg());
            let logp = actor.logp(group.response);
            let drift = k1(logp, reference.logp(group.response)).sum(Token).detach();
            let reward = group.score - 0.05 * drift;
            -(logp.sum(Token) * (reward - leave_one_out(reward))).mean(Response).mean(Prompt)
        });
        assert_eq!(codes(&program, &[]), [""; 0]);
    }
}

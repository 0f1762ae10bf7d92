//! Log-probabilities far from 0, of one policy or another, give finite losses and gradients.
//!
//! Far is 10 000 nats a token. A formula that raises `e` to a difference of log-probabilities grows past every number
//! format by its nature: of it the law asks for 30 nats a token, 120 for a response.

use super::Verdict;
use super::noise::Noise;
use super::subject::Subject;
use crate::ir::{Estimator, KindTag, Op};
use crate::made_up::GIVEN;

pub(super) fn try_on(subject: &Subject<'_>) -> Result<Verdict, String> {
    let grows =
        subject.program.nodes.iter().any(|node| matches!(node.op, Op::Exponential | Op::Estimate(Estimator::K3)));
    let far = if grows { 30.0 } else { 1e4 };
    for (seed, settings) in (91..95).zip([&subject.defaults, &subject.varied].into_iter().cycle()) {
        let mut batch = subject.batch(seed);
        let mut noise = Noise(seed);
        for (_, owner, field, ty) in subject.program.inputs().filter(|(.., ty)| ty.kind == KindTag::LogProb) {
            if let Some(values) = batch.inputs.get_mut(owner, field, ty.side) {
                values.iter_mut().for_each(|value| *value = [-far, -1.0, -1e-3][noise.below(3)]);
            }
        }
        // What a part is given was made of log-probabilities, and is as far out as they are.
        let made_of = |kind| matches!(kind, KindTag::LogRatio | KindTag::Reward | KindTag::Margin);
        for (_, owner, field, ty) in subject.program.inputs().filter(|(_, o, _, ty)| *o == GIVEN && made_of(ty.kind)) {
            if let Some(values) = batch.inputs.get_mut(owner, field, ty.side) {
                values.iter_mut().for_each(|value| *value = [-far, 0.5, far][noise.below(3)]);
            }
        }
        subject.evaluate(&batch, settings).map_err(|how| format!("with log-probabilities down to -{far}, {how}"))?;
    }
    Ok(Verdict::Holds)
}

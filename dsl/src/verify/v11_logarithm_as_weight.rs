//! V11: no logarithm, and no loss, is a weight.
//!
//! A weight says how much something counts: it is a share, a quotient of probabilities or a number of the data. A
//! log-probability is below zero wherever it is not certain, so a weight made of one without `.exp()` turns the loss
//! round. Detached it is no gradient's business, and only its kind says what was forgotten.

use super::Problem;
use crate::Spec;
use crate::ir::{Id, KindTag, Node, Op, Program};

pub(super) fn check(program: &Program, _: &[Spec]) -> Vec<Problem> {
    // For each step, the change of kind that made a weight of the logarithm it still is.
    let mut from: Vec<Option<Id>> = Vec::new();
    let mut told: Vec<Id> = Vec::new();
    for (i, node) in program.nodes.iter().enumerate() {
        let inherited = node.args.iter().find_map(|arg| from[arg.index()]);
        if let (Op::Times | Op::Over, Some(origin), true) = (&node.op, inherited, node.ty.live)
            && !told.contains(&origin)
        {
            told.push(origin);
        }
        from.push(match node.op {
            Op::Recast(_) if is_taken_as_weight(program, node) => Some(Id::new(i)),
            _ if node.ty.live => None,
            Op::Plus
            | Op::Minus
            | Op::Times
            | Op::Over
            | Op::Negative
            | Op::Smaller
            | Op::Larger
            | Op::Clip
            | Op::Total
            | Op::Average
            | Op::AverageAll
            | Op::Constant
            | Op::Recast(_)
            | Op::EveryPrompt => inherited,
            _ => None,
        });
    }
    told.into_iter().map(|origin| problem(program, program.node(origin))).collect()
}

fn is_taken_as_weight(program: &Program, node: &Node) -> bool {
    let from = program.node(node.args[0]).ty.kind;
    let no_weight = matches!(from, KindTag::LogProb | KindTag::LogRatio | KindTag::Loss | KindTag::Gain);
    no_weight && matches!(node.ty.kind, KindTag::Weight | KindTag::Prob | KindTag::Ratio)
}

fn problem(program: &Program, node: &Node) -> Problem {
    let from = program.node(node.args[0]).ty.kind;
    let help = match from {
        KindTag::LogProb | KindTag::LogRatio => "take `.exp()` of it first",
        _ => "weigh by what the loss is made of, e.g. a probability or a score",
    };
    let message = format!("a `{from}` is taken as a `{}`: it says nothing of how much something counts", node.ty.kind);
    Problem::new("V11", message, &node.place, help)
}

#[cfg(test)]
mod tests {
    use crate::ir::Program;
    use crate::verify::trial::codes;
    use crate::{Arg, trace};
    crate::prelude!();

    fn weighted(weight: impl FnOnce(PerToken<LogProb, Answer, NoGrad>) -> PerToken<Weight, Answer, NoGrad>) -> Program {
        trace("weighted", || {
            let (actor, demo) = (Actor::arg(), Demo::arg());
            let logp = actor.logp(demo.response);
            -(weight(logp.detach()) * logp).batch_mean()
        })
    }

    #[test]
    fn a_logarithm_without_its_exponential_is_told() {
        assert_eq!(codes(&weighted(|logp| logp.treat_as::<Weight>("how likely it is")), &[]), ["V11"]);
        assert_eq!(codes(&weighted(|logp| (0.5 * logp).treat_as::<Weight>("how likely it is")), &[]), ["V11"]);
        let later = |logp: PerToken<LogProb, Answer, NoGrad>| {
            let weight = 0.5 * logp.treat_as::<Weight>("half of its logarithm");
            weight.treat_as::<LogProb>("a logarithm").exp().treat_as::<Weight>("its root")
        };
        assert_eq!(codes(&weighted(later), &[]), [""; 0]);
        assert_eq!(codes(&weighted(|logp| logp.exp().treat_as::<Weight>("how likely it is")), &[]), [""; 0]);
    }
}

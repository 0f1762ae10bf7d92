//! V06: every number in the formula is finite.
//!
//! Infinity minus infinity is no number; a target at infinity has a formula of its own (DPO, for instance, is
//! backward KL with the judged margin at infinity).

use super::Problem;
use crate::Spec;
use crate::ir::{Op, Program};

pub(super) fn check(program: &Program, _: &[Spec]) -> Vec<Problem> {
    let infinite = |node: &crate::ir::Node| match node.op {
        Op::Literal(number) if !number.is_finite() => {
            let message = format!("the formula contains the number {number}");
            Some(Problem::new("V06", message, &node.place, "write the formula's limit instead of the number"))
        }
        _ => None,
    };
    program.nodes.iter().filter_map(infinite).collect()
}

#[cfg(test)]
mod tests {
    use crate::verify::trial::codes;
    use crate::{Arg, trace};
    crate::prelude!();

    #[test]
    fn an_infinite_factor_is_told() {
        let codes = |factor: f64| {
            let program = trace("scaled", || {
                let (actor, demo) = (Actor::arg(), Demo::arg());
                -(factor * actor.logp(demo.response)).batch_mean()
            });
            codes(&program, &[])
        };
        assert_eq!(codes(f64::INFINITY), ["V06"]);
        assert_eq!(codes(f64::NAN), ["V06"]);
        assert_eq!(codes(1e300), [""; 0]);
    }
}

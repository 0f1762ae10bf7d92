//! V08: no loss or divergence is multiplied by a negative number.
//!
//! The types refuse `loss - kl`, but a number may have any sign: `-0.1 * kl` would reward what it should price.

use super::Problem;
use crate::Spec;
use crate::ir::{Depth, Id, KindTag, Op, Program};

pub(super) fn check(program: &Program, specs: &[Spec]) -> Vec<Problem> {
    let signs = signs(program, specs);
    let penalized = |node: &crate::ir::Node| {
        let &[left, right] = node.args.as_slice() else { return None };
        let factors: &[(Id, Id)] = match node.op {
            Op::Times => &[(left, right), (right, left)],
            Op::Over => &[(right, left)],
            _ => return None,
        };
        let falls = |&&(number, of): &&(Id, Id)| {
            let penalty = matches!(program.node(of).ty.kind, KindTag::Kl | KindTag::Loss);
            penalty && signs[number.index()] == Some(Sign::Below)
        };
        let (_, of) = factors.iter().find(falls)?;
        let kind = program.node(*of).ty.kind;
        let message = format!("this `{kind}` is multiplied by a negative number: training would make it larger");
        let help = format!("make the number positive: a `{kind}` is a price, and prices are added");
        Some(Problem::new("V08", message, &node.place, &help))
    };
    program.nodes.iter().filter_map(penalized).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Sign {
    /// Zero or more.
    Above,
    /// Zero or less, and not always zero.
    Below,
}

/// The sign of each number that comes from no batch, where it is known.
fn signs(program: &Program, specs: &[Spec]) -> Vec<Option<Sign>> {
    let mut signs: Vec<Option<Sign>> = Vec::new();
    for node in &program.nodes {
        let of = |i: usize| node.args.get(i).and_then(|arg| signs[arg.index()]);
        let sign = match &node.op {
            _ if node.ty.depth != Depth::Constant => None,
            Op::Literal(number) => Some(if *number < 0.0 { Sign::Below } else { Sign::Above }),
            Op::Parameter(name) => specs.iter().find(|spec| spec.name == name).and_then(declared),
            Op::Negative => of(0).map(turned),
            Op::Times | Op::Over => match (of(0), of(1)) {
                (Some(a), Some(b)) => Some(if a == b { Sign::Above } else { Sign::Below }),
                _ => None,
            },
            Op::Plus => of(0).filter(|&a| of(1) == Some(a)),
            Op::Minus => of(0).filter(|&a| of(1) == Some(turned(a))),
            Op::Exponential | Op::Magnitude | Op::Square => Some(Sign::Above),
            Op::Constant | Op::Recast(_) => of(0),
            _ => None,
        };
        signs.push(sign);
    }
    signs
}

fn declared(spec: &Spec) -> Option<Sign> {
    let range = spec.range;
    if range.above.or(range.at_least).is_some_and(|low| low >= 0.0) {
        Some(Sign::Above)
    } else if range.below.or(range.at_most).is_some_and(|high| high <= 0.0) {
        Some(Sign::Below)
    } else {
        None
    }
}

fn turned(sign: Sign) -> Sign {
    match sign {
        Sign::Above => Sign::Below,
        Sign::Below => Sign::Above,
    }
}

#[cfg(test)]
mod tests {
    use crate::verify::trial::{codes, positive};
    use crate::{Arg, Spec, trace};
    crate::prelude!();

    struct Penalty {
        weight: Param,
    }
    impl Arg for Penalty {
        fn arg() -> Self {
            Penalty { weight: crate::hyper::Declared::declared("weight") }
        }
        fn specs() -> Vec<Spec> {
            vec![positive("weight")]
        }
    }
    impl Hyper for Penalty {}

    macro_rules! codes_with {
        (|$hp:ident| $factor:expr) => {{
            let program = trace("penalty", || {
                let (actor, reference, demo, $hp) = (Actor::arg(), Reference::arg(), Demo::arg(), Penalty::arg());
                let logp = actor.logp(demo.response);
                let kl = (logp - reference.logp(demo.response)).squared();
                -logp.batch_mean() + ($factor * kl).batch_mean() + 0.0 * $hp.weight * kl.batch_mean()
            });
            codes(&program, &Penalty::specs())
        }};
    }

    #[test]
    fn a_negative_factor_of_a_divergence_is_told() {
        assert_eq!(codes_with!(|hp| -0.1), ["V08"]);
        assert_eq!(codes_with!(|hp| -hp.weight), ["V08"]);
        assert_eq!(codes_with!(|hp| 2.0 * -hp.weight), ["V08"]);
        assert_eq!(codes_with!(|hp| 1.0 / -hp.weight), ["V08"]);
    }

    #[test]
    fn a_positive_factor_or_one_of_unknown_sign_is_not() {
        assert_eq!(codes_with!(|hp| 0.1), [""; 0]);
        assert_eq!(codes_with!(|hp| hp.weight), [""; 0]);
        assert_eq!(codes_with!(|hp| 1.0 - hp.weight), [""; 0]);
        assert_eq!(codes_with!(|hp| -0.5 * -hp.weight), [""; 0]);
    }
}

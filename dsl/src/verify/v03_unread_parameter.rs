//! V03: every hyper-parameter that is declared is read.
//!
//! Someone would set it and wonder why nothing changes. Whole numbers are left out: they say how a batch is made.

use super::Problem;
use crate::Spec;
use crate::flow;
use crate::ir::{Node, Op, Program};

pub(super) fn check(program: &Program, specs: &[Spec]) -> Vec<Problem> {
    let read = flow::read(program);
    let nodes = || program.nodes.iter().enumerate();
    let reads = |spec: &Spec, node: &Node| node.op == Op::Parameter(spec.name.to_owned());
    let unread = specs.iter().filter(|spec| !spec.whole && !nodes().any(|(i, node)| read[i] && reads(spec, node)));
    let problem = |spec: &Spec| {
        let place = nodes().find(|(_, node)| reads(spec, node)).map(|(_, node)| node.place.clone()).unwrap_or_default();
        let message = format!("nothing reads the hyper-parameter `{}`: setting it would change nothing", spec.name);
        Problem::new("V03", message, &place, "use it in the formula, or take it out of the declaration")
    };
    unread.map(problem).collect()
}

#[cfg(test)]
mod tests {
    use crate::by_hand;
    use crate::verify::trial::{codes, positive, sound};
    use crate::verify::verify;

    #[test]
    fn a_declared_hyper_parameter_that_nothing_reads_is_told() {
        let problems = verify(&sound(), &[positive("beta")]);
        assert_eq!((problems[0].code, problems.len()), ("V03", 1));
        assert!(problems[0].message.contains("`beta`"));
    }

    #[test]
    fn a_number_of_samples_and_one_that_is_read_are_not() {
        let mut count = positive("samples");
        count.whole = true;
        assert_eq!(codes(&sound(), &[count]), [""; 0]);
        assert!(!codes(&by_hand::dpo(), &[positive("beta")]).contains(&"V03"));
    }
}

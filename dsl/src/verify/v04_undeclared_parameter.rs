//! V04: every hyper-parameter that is read is declared.
//!
//! Otherwise it has no default, no range and no option, and the run could only stop.

use super::Problem;
use crate::Spec;
use crate::ir::{Op, Program};

pub(super) fn check(program: &Program, specs: &[Spec]) -> Vec<Problem> {
    let undeclared = |node: &crate::ir::Node| {
        let Op::Parameter(name) = &node.op else { return None };
        if specs.iter().any(|spec| spec.name == name) {
            return None;
        }
        let message = format!("the hyper-parameter `{name}` is read but not declared");
        let help = "declare it in the struct with `#[derive(Hyper)]` that the algorithm takes";
        Some(Problem::new("V04", message, &node.place, help))
    };
    program.nodes.iter().filter_map(undeclared).collect()
}

#[cfg(test)]
mod tests {
    use crate::by_hand;
    use crate::verify::trial::positive;
    use crate::verify::verify;

    #[test]
    fn a_hyper_parameter_nobody_declared_is_told() {
        let told = |specs: &[crate::Spec]| {
            let problems = verify(&by_hand::dpo(), specs);
            problems.into_iter().filter(|problem| problem.code == "V04").map(|problem| problem.message).next()
        };
        assert_eq!(told(&[]).as_deref(), Some("the hyper-parameter `beta` is read but not declared"));
        assert_eq!(told(&[positive("beta")]), None);
    }
}

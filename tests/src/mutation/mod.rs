//! Formulas with the bugs that peers really had, put in one at a time, and who notices.
//!
//! A bug is a change of the program, as if the author had written it so. First the typing table is asked, as rustc would
//! ask it; then the verifier; then the laws that every algorithm is tried on; last the numbers an independent script
//! has written.

mod bugs;
mod edit;
mod elsewhere;

pub use bugs::{BUGS, Bug};

use crate::golden::{Case, Golden};
use collimate::{Algorithm, Layout};
use collimate_dsl::eval::{Evaluation, Inputs, Settings, evaluate};
use collimate_dsl::ir::{Depth, KindTag, Op, Program, Ty};
use collimate_dsl::{laws, rules, verify};
use elsewhere::{Draw, elsewhere};

/// Who noticed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Noticed {
    /// The typing table has no such row: it would not compile.
    Types,
    /// A numbered rule about whole programs.
    Verifier,
    /// A law, by its name.
    Law(&'static str),
    /// The numbers of the independent script.
    Numbers,
    /// Nobody, and there is nothing to notice: wherever it is asked, it is the same formula.
    Equivalent,
    /// Nobody.
    Nobody,
}

/// Puts a bug into an algorithm at every place where it fits, at most so many, and asks who notices.
#[must_use]
pub fn inject(algorithm: &Algorithm, bug: &Bug, golden: &Golden, at_most: usize) -> Vec<Noticed> {
    let program = (algorithm.trace)();
    let mutants = (bug.inject)(&program);
    // Places early and late in the formula.
    let step = mutants.len().div_ceil(at_most).max(1);
    mutants.into_iter().step_by(step).map(|mutant| notice(algorithm, &program, mutant, golden)).collect()
}

fn notice(algorithm: &Algorithm, sound: &Program, mutant: Program, golden: &Golden) -> Noticed {
    let Some(mutant) = typed(mutant) else { return Noticed::Types };
    let specs = (algorithm.hyper)();
    if !verify::verify(&mutant, &specs).is_empty() {
        return Noticed::Verifier;
    }
    if let Some(law) = laws::first_broken(&mutant, &specs, algorithm.view, algorithm.exceptions) {
        return Noticed::Law(law);
    }
    let cases: Vec<&Case> = golden.cases.iter().filter(|case| case.name == algorithm.name).collect();
    let differs = |layout: &Layout, inputs: &Inputs, settings: &Settings| {
        let run = |program| evaluate(program, layout, &layout.totals(), inputs, settings);
        match (run(&mutant), run(sound)) {
            (Ok(found), Ok(right)) => !alike(&found, &right),
            (found, right) => found.is_ok() != right.is_ok(),
        }
    };
    let on_golden = cases.iter().any(|case| {
        let (layout, inputs) = golden.batch(&case.batch);
        differs(layout, inputs, &case.settings())
    });
    if on_golden {
        return Noticed::Numbers;
    }
    // Is it another formula at all? Asked far from where the script has been.
    let elsewhere = (1..=8).any(|seed| {
        let mut draw = Draw(seed);
        let Some(case) = cases.get(draw.below(cases.len().max(1))) else { return true };
        let (layout, inputs) = golden.batch(&case.batch);
        differs(layout, &elsewhere(inputs, &mut draw), &draw.settings(&case.settings(), &specs))
    });
    if elsewhere { Noticed::Nobody } else { Noticed::Equivalent }
}
fn alike(a: &Evaluation, b: &Evaluation) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() <= 1e-9 * b.abs().max(1.0);
    near(a.loss, b.loss)
        && b.gradient.iter().all(|(owner, field, side, right)| {
            let found = a.gradient.get(owner, field, side).unwrap_or_default();
            found.len() == right.len() && found.iter().zip(right).all(|(found, right)| near(*found, *right))
        })
}

/// The program with the types that the table gives its steps; nothing where the table has no row, or where it does not
/// end in one loss that trains something.
fn typed(mut program: Program) -> Option<Program> {
    for i in 0..program.nodes.len() {
        let types: Vec<Ty> = program.nodes[i].args.iter().map(|arg| program.node(*arg).ty).collect();
        let node = &program.nodes[i];
        program.nodes[i].ty = match &node.op {
            Op::Input { .. } => node.ty,
            Op::Recast(_) => Ty { kind: node.ty.kind, ..rules::infer(&node.op, &types)? },
            op => rules::infer(op, &types)?,
        };
    }
    let root = program.node(program.root?).ty;
    ((root.kind, root.depth, root.live) == (KindTag::Loss, Depth::Batch, true)).then_some(program)
}

//! What a program needs, averages, reports and takes for granted.

use super::Subject;
use super::expression::{How, without_side};
use crate::eval::{Why, separable};
use crate::flow;
use crate::ir::{Depth, Estimator, KindTag, Op, Place, Program, STATE, SideTag};
use crate::verify::{Problem, verify_promised};

/// A column of the data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) about: String,
}

/// A policy the loss or a metric reads.
pub(super) struct Role {
    pub(super) owner: String,
    pub(super) trained: bool,
}

/// A sum or mean on the way to the loss.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Reduction {
    pub(super) how: How,
    pub(super) over: Depth,
    pub(super) sides: Vec<SideTag>,
}

/// A kind that was changed by hand, and why that is right.
#[derive(Clone, PartialEq)]
pub(super) struct Recast {
    pub(super) from: KindTag,
    pub(super) to: KindTag,
    pub(super) why: String,
    pub(super) place: Place,
}

/// An estimate of a divergence: which, whether it is trained through, and where.
#[derive(Clone, PartialEq)]
pub(super) struct Estimate {
    pub(super) by: Estimator,
    pub(super) trained: bool,
    pub(super) place: Place,
}

impl Estimate {
    /// What is right of it, and what is not.
    pub(super) fn about(&self) -> &'static str {
        match (self.by, self.trained) {
            (Estimator::K1 | Estimator::K3, false) => "as a value: right on average",
            (Estimator::AbsK1, false) => "as a value: never too small on average, and never negative",
            (Estimator::K2, false) => "as a value: near the divergence where that is small, otherwise not",
            (Estimator::K1, true) => "in the loss: its gradient is zero on average",
            (Estimator::AbsK1, true) => "in the loss: its gradient is no divergence's",
            (Estimator::K2, true) => "in the loss: its gradient is the divergence's on average, its value is not",
            (Estimator::K3, true) => {
                "in the loss: its value is right on average, its gradient is that of the reverse divergence"
            }
        }
    }
}

/// Everything that is read off a program.
pub(super) struct Facts {
    pub(super) columns: Vec<Column>,
    pub(super) policies: Vec<Role>,
    pub(super) reductions: Vec<Reduction>,
    pub(super) recasts: Vec<Recast>,
    pub(super) estimates: Vec<Estimate>,
    pub(super) separable: Result<(), Why>,
    pub(super) problems: Vec<Problem>,
}

impl Facts {
    pub(super) fn of(subject: &Subject<'_>) -> Self {
        let problems = verify_promised(subject.program, subject.specs, subject.separable);
        Facts {
            columns: columns(subject.program, subject.view),
            policies: policies(subject),
            reductions: reductions(subject),
            recasts: recasts(subject),
            estimates: estimates(subject.program),
            separable: separable(subject.program),
            problems,
        }
    }

    /// The sides whose responses are read.
    pub(super) fn sides(subject: &Subject<'_>) -> Vec<SideTag> {
        sides(subject.program)
    }
}

fn sides(program: &Program) -> Vec<SideTag> {
    let read: Vec<_> = program.inputs().filter_map(|(.., ty)| ty.side).collect();
    SideTag::ALL.iter().copied().filter(|side| read.contains(side)).collect()
}

/// The columns of the data that a program reads.
pub(super) fn columns(program: &Program, view: &str) -> Vec<Column> {
    let column = |name: &str, about: &str| Column { name: name.into(), about: about.into() };
    let mut columns = vec![column("prompt", "what is asked")];
    for side in sides(program) {
        let known = [
            (SideTag::Chosen, column("chosen", "the better response")),
            (SideTag::Rejected, column("rejected", "the other response")),
            (SideTag::Sample, column("responses", "several responses to each prompt, or none: then they are drawn")),
            (SideTag::Answer, column("completion", "a good response")),
        ];
        columns.extend(known.into_iter().find(|(known, _)| *known == side).map(|(_, column)| column));
    }
    for (_, owner, field, ty) in program.inputs() {
        let field = if ty.side == Some(SideTag::Sample) { listed(field) } else { field };
        // Whether a rating is present is no column: it is or it is not.
        if owner == view && !field.ends_with("_present") && !columns.iter().any(|column| column.name == field) {
            let about = match ty.side {
                Some(SideTag::Sample) if field == "ended" => "whether each response came to its end, a list".into(),
                Some(SideTag::Sample) => format!("{} of each response, a list of numbers", without_list(field)),
                Some(SideTag::Answer) => format!("{field} of the response, a number"),
                Some(side) => format!("{} of the {} response, a number", without_side(field, side), lower(side)),
                None => format!("{field} of the prompt, a number"),
            };
            columns.push(Column { name: field.to_owned(), about });
        }
    }
    columns
}

/// The column of a number that each of several responses has.
fn listed(field: &str) -> &str {
    match field {
        "score" => "scores",
        "weight" => "weights",
        "baseline" => "baselines",
        "value" => "values",
        other => other,
    }
}

fn without_list(column: &str) -> &str {
    column.strip_suffix('s').unwrap_or(column)
}

fn policies(subject: &Subject<'_>) -> Vec<Role> {
    let mut policies: Vec<Role> = Vec::new();
    let others = |(_, owner, ..): &(_, &str, _, _)| *owner != subject.view && *owner != STATE;
    for (_, owner, _, ty) in subject.program.inputs().filter(others) {
        match policies.iter_mut().find(|policy| policy.owner == owner) {
            Some(policy) => policy.trained |= ty.live,
            None => policies.push(Role { owner: owner.to_owned(), trained: ty.live }),
        }
    }
    policies
}

fn reductions(subject: &Subject<'_>) -> Vec<Reduction> {
    let program = subject.program;
    let read = flow::read_by(program, program.root);
    let mut reductions: Vec<Reduction> = Vec::new();
    for (_, node) in program.nodes.iter().enumerate().filter(|(i, _)| read[*i]) {
        let how = match node.op {
            Op::Total => How::Sum,
            Op::Average => How::Mean,
            Op::AverageAll => How::MeanAll,
            _ => continue,
        };
        let from = program.node(node.args[0]).ty;
        match reductions.iter_mut().find(|known| known.how == how && known.over == from.depth) {
            Some(known) => known.sides.extend(from.side.filter(|side| !known.sides.contains(side))),
            None => reductions.push(Reduction { how, over: from.depth, sides: from.side.into_iter().collect() }),
        }
    }
    reductions
}

fn estimates(program: &Program) -> Vec<Estimate> {
    let (read, trained) = (flow::read(program), flow::gradient_from(program, program.root));
    let estimate = |(i, node): (usize, &crate::ir::Node)| match node.op {
        Op::Estimate(by) if read[i] => {
            Some(Estimate { by, trained: trained[i] && node.ty.live, place: node.place.clone() })
        }
        _ => None,
    };
    program.nodes.iter().enumerate().filter_map(estimate).collect()
}

fn recasts(subject: &Subject<'_>) -> Vec<Recast> {
    let program = subject.program;
    let read = flow::read(program);
    let mut recasts: Vec<Recast> = Vec::new();
    for (_, node) in program.nodes.iter().enumerate().filter(|(i, _)| read[*i]) {
        if let Op::Recast(why) = &node.op {
            let from = program.node(node.args[0]).ty.kind;
            let recast = Recast { from, to: node.ty.kind, why: why.clone(), place: node.place.clone() };
            if !recasts.contains(&recast) {
                recasts.push(recast);
            }
        }
    }
    recasts
}

/// A side's name in a sentence.
pub(super) fn lower(side: SideTag) -> String {
    side.name().to_lowercase()
}

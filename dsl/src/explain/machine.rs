//! Everything, for machines.

use super::Subject;
use super::expression::How;
use super::facts::Facts;
use super::gradient;
use super::json::Json;
use super::layout::one_line;
use super::lines::Formula;
use super::page::{known, metric_rows, reduction, state_rows};
use super::symbol;
use super::unicode::{gradient, lines};
use crate::ir::{Depth, Node, Op, Place, State, Ty};
use std::collections::BTreeMap;

/// One JSON object.
pub(super) fn json(subject: &Subject<'_>, facts: &Facts) -> String {
    let parameters = symbol::parameters(subject.program);
    let formula = Formula::new(subject.program, &BTreeMap::new());
    let written = |(name, text): (String, String)| format!("{name} = {text}");
    let gradient: Option<Json> = Formula::new(subject.program, &BTreeMap::new()).map(|mut f| {
        let found = gradient::of(&mut f, &parameters);
        gradient(&f, &found, &parameters).into_iter().map(written).collect()
    });
    let formula: Option<Json> = formula.map(|f| lines(&f, &parameters).into_iter().map(written).collect());
    let (latex, gradient_latex) = super::formula_latex(subject).unzip();
    let hyper = subject.specs.iter().map(|spec| {
        let range = spec.range;
        Json::Object(vec![
            ("name", spec.name.into()),
            ("symbol", parameters.get(spec.name).map(|symbol| symbol.text.clone()).into()),
            ("about", one_line(spec.about).into()),
            ("default", spec.default.into()),
            ("above", range.above.into()),
            ("at_least", range.at_least.into()),
            ("below", range.below.into()),
            ("at_most", range.at_most.into()),
            ("whole", spec.whole.into()),
        ])
    });
    let columns = facts
        .columns
        .iter()
        .map(|c| Json::Object(vec![("name", c.name.clone().into()), ("about", c.about.clone().into())]));
    let policies = facts
        .policies
        .iter()
        .map(|p| Json::Object(vec![("name", p.owner.clone().into()), ("trained", p.trained.into())]));
    let averages = facts.reductions.iter().map(|r| {
        let how = match r.how {
            How::Sum => "sum",
            How::Mean | How::MeanAll => "mean",
        };
        let across = if r.how == How::MeanAll || r.over == Depth::EachPrompt { "batch" } else { "next" };
        Json::Object(vec![
            ("how", how.into()),
            ("over", depth(r.over).into()),
            ("within", across.into()),
            ("sides", r.sides.iter().map(|side| side.name()).collect()),
            ("text", reduction(r).into()),
        ])
    });
    let metrics = subject.program.metrics.iter().zip(metric_rows(subject, &parameters)).map(|(metric, row)| {
        Json::Object(vec![
            ("name", metric.name.clone().into()),
            ("step", metric.node.index().into()),
            ("text", row.into_iter().nth(1).into()),
        ])
    });
    let recasts = facts.recasts.iter().map(|r| {
        Json::Object(vec![
            ("from", r.from.name().into()),
            ("to", r.to.name().into()),
            ("why", r.why.clone().into()),
            ("place", known(&r.place).into()),
        ])
    });
    let estimates = facts.estimates.iter().map(|e| {
        Json::Object(vec![
            ("by", e.by.word().into()),
            ("trained", e.trained.into()),
            ("about", e.about().into()),
            ("place", known(&e.place).into()),
        ])
    });
    let whole = facts.separable.as_ref().err().map(|why| {
        Json::Object(vec![
            ("step", why.node.index().into()),
            ("reason", why.reason.clone().into()),
            ("place", known(&why.place).into()),
        ])
    });
    let problems = facts.problems.iter().map(|p| {
        Json::Object(vec![
            ("code", p.code.into()),
            ("message", p.message.clone().into()),
            ("place", p.place.as_ref().map(Place::to_string).into()),
            ("notes", p.notes.iter().map(String::as_str).collect()),
            ("help", p.help.clone().into()),
        ])
    });
    let exceptions =
        subject.exceptions.iter().map(|(law, why)| Json::Object(vec![("law", (*law).into()), ("why", (*why).into())]));
    let mut fields = vec![
        ("name", subject.called().into()),
        ("paper", subject.paper.into()),
        ("preset", subject.preset.map_or(Json::Null, preset)),
        ("about", subject.about.trim().into()),
        ("formula", formula.unwrap_or(Json::Null)),
        ("latex", latex.into()),
        ("gradient", gradient.unwrap_or(Json::Null)),
        ("gradient_latex", gradient_latex.into()),
        ("data", Json::Object(vec![("view", subject.view.into()), ("columns", columns.collect())])),
        ("policies", policies.collect()),
        ("hyper", hyper.collect()),
        ("averages", averages.collect()),
        ("separable", facts.separable.is_ok().into()),
        ("must_stay_whole", whole.unwrap_or(Json::Null)),
        ("metrics", metrics.collect()),
        ("recasts", recasts.collect()),
        ("estimates", estimates.collect()),
        ("exceptions", exceptions.collect()),
        ("problems", problems.collect()),
        ("loss", subject.program.root.map(|root| root.index()).into()),
        ("steps", subject.program.nodes.iter().map(step).collect()),
    ];
    if !subject.program.states.is_empty() {
        fields.push(("state", states(subject, &parameters)));
    }
    format!("{}\n", Json::Object(fields))
}

fn preset(preset: crate::Preset) -> Json {
    Json::Object(vec![("peer", preset.peer.into()), ("source", preset.source.into())])
}

/// What is carried from step to step.
fn states(subject: &Subject<'_>, parameters: &BTreeMap<String, symbol::Symbol>) -> Json {
    let state = |(state, row): (&State, Vec<String>)| {
        Json::Object(vec![
            ("name", state.name.clone().into()),
            ("initial", state.initial.index().into()),
            ("next", state.next.first().map(|next| next.index()).into()),
            ("text", row.into_iter().nth(2).into()),
        ])
    };
    subject.program.states.iter().zip(state_rows(subject, parameters)).map(state).collect()
}

fn step(node: &Node) -> Json {
    let mut fields = vec![
        ("op", node.op.word().into()),
        ("args", node.args.iter().map(|arg| arg.index()).collect()),
        ("type", ty(node.ty)),
        ("place", known(&node.place).into()),
    ];
    match &node.op {
        Op::Input { owner, field } => {
            fields.extend([("owner", owner.as_str().into()), ("field", field.as_str().into())]);
        }
        Op::Parameter(name) => fields.push(("name", name.as_str().into())),
        Op::Literal(number) => fields.push(("number", (*number).into())),
        Op::Recast(why) => fields.push(("why", why.as_str().into())),
        Op::Overlap(other) => fields.push(("other", other.name().into())),
        _ => {}
    }
    Json::Object(fields)
}

fn ty(ty: Ty) -> Json {
    Json::Object(vec![
        ("kind", ty.kind.name().into()),
        ("depth", depth(ty.depth).into()),
        ("side", ty.side.map(|side| side.name()).into()),
        ("live", ty.live.into()),
    ])
}

fn depth(depth: Depth) -> &'static str {
    match depth {
        Depth::Constant => "constant",
        Depth::Batch => "batch",
        Depth::EachPrompt => "prompt",
        Depth::EachResponse => "response",
        Depth::EachToken => "token",
        Depth::EachWord => "word",
    }
}

//! The page for people.

use super::expression::{Ex, Form, Function, How, Store};
use super::facts::{Facts, Reduction, lower};
use super::gradient::{self, Gradient};
use super::layout::{aligned, one_line, table};
use super::lines::Formula;
use super::notation::Writer;
use super::symbol::{self, Symbol};
use super::unicode::{Unicode, at_the_defaults, counted, each, gradient, lines, short};
use super::{Subject, expression::Whose};
use crate::ir::{Depth, Metric, SideTag, State};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The whole page.
pub(super) fn page(subject: &Subject<'_>, facts: &Facts) -> String {
    let (first, more) = subject.about.split_once("\n\n").unwrap_or((subject.about, ""));
    let mut page = format!("{}\n{}\n", subject.called(), one_line(first));
    for paragraph in more.split("\n\n").filter(|paragraph| !paragraph.trim().is_empty()) {
        let _ = writeln!(page, "{}", one_line(paragraph));
    }
    let _ = writeln!(page, "Paper: {}", cited(subject.paper));
    if let Some(preset) = subject.preset {
        let _ = writeln!(page, "Preset: as in {}", preset.source);
    }
    for (title, body) in sections(subject, facts) {
        let _ = write!(page, "\n{title}\n{body}");
    }
    page
}

/// What there is to say, each under its title; nothing of what there is none of.
pub(super) fn sections(subject: &Subject<'_>, facts: &Facts) -> Vec<(String, String)> {
    let parameters = symbol::parameters(subject.program);
    let mut sections = Vec::new();
    let mut block = |title: &str, body: String| {
        if !body.is_empty() {
            sections.push((title.to_owned(), body));
        }
    };
    if let Some(mut formula) = Formula::new(subject.program, &BTreeMap::new()) {
        block("Formula", aligned(&lines(&formula, &parameters)));
        let found = gradient::of(&mut formula, &parameters);
        block("Gradient", aligned(&gradient(&formula, &found, &parameters)));
        if let Some((title, lines)) = at_the_defaults(subject, &parameters) {
            block(&title, aligned(&lines));
        }
        block("Where", table(&glossary(subject, &formula, &found)));
    }
    let mut section = |title: &str, rows: Vec<Vec<String>>| block(title, table(&rows));
    section("Data", facts.columns.iter().map(|c| vec![c.name.clone(), c.about.clone()]).collect());
    section("Hyper-parameters (default, range)", hyper_rows(subject, &parameters));
    section("Averages", facts.reductions.iter().map(|r| vec![reduction(r)]).collect());
    let cut = match &facts.separable {
        Ok(()) => "may be cut into micro-batches: their losses and gradients add up to the whole's".to_owned(),
        Err(why) => format!("must stay whole: {why}"),
    };
    section("Batch", vec![vec![cut]]);
    section("Carried from step to step", state_rows(subject, &parameters));
    section("Metrics", metric_rows(subject, &parameters));
    let changed = |r: &super::facts::Recast| {
        vec![
            format!("{} as {}", r.from, r.to),
            r.why.clone(),
            known(&r.place).map(|p| format!("({p})")).unwrap_or_default(),
        ]
    };
    let estimate = |e: &super::facts::Estimate| {
        let place = known(&e.place).map(|place| format!("({place})")).unwrap_or_default();
        vec![e.by.word().to_owned(), e.about().to_owned(), place]
    };
    section("Estimates of a divergence", facts.estimates.iter().map(estimate).collect());
    section("Taken as another kind, and why", facts.recasts.iter().map(changed).collect());
    let excepted =
        |(law, why): &(&str, &str)| vec![(*law).to_owned(), (*why).to_owned(), "(book: reference/laws)".to_owned()];
    section("Laws it breaks on purpose, and why", subject.exceptions.iter().map(excepted).collect());
    let problem = |p: &crate::verify::Problem| {
        vec![p.code.to_owned(), p.message.clone(), format!("(book: errors/{})", p.code.to_lowercase())]
    };
    section("Problems", facts.problems.iter().map(problem).collect());
    sections
}

/// What each letter stands for.
fn glossary(subject: &Subject<'_>, formula: &Formula, gradient: &Gradient) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |symbol: String, about: String| rows.push(vec![symbol, about]);
    let logp = |owner: &str| {
        subject.program.inputs().any(|(_, who, field, _)| who == owner && matches!(field, "logp" | "words"))
    };
    for policy in Facts::of(subject).policies.iter().filter(|policy| logp(&policy.owner)) {
        row(symbol::policy(&policy.owner).text, about_policy(&policy.owner, policy.trained));
    }
    if forms(&formula.store, vec![formula.root]).iter().any(|form| formula.is_learned(form)) {
        row("φ".into(), "what is trained: the model that gives these numbers now".into());
    }
    for side in Facts::sides(subject) {
        row(symbol::response(Whose::Side(side)).text, about_side(side));
    }
    let forms = forms(&formula.store, gradient.slopes.iter().map(|slope| slope.is).chain([formula.root]).collect());
    if forms.iter().any(|form| matches!(form, Form::Given { depth: Depth::EachToken, .. })) {
        row("yₜ".into(), "token t of a response, after the prompt and the tokens before it; the end counts".into());
    }
    if forms.iter().any(|form| matches!(form, Form::Given { depth: Depth::EachWord, .. })) {
        row("v".into(), "a word of the vocabulary, each of them in turn".into());
        row("y<ₜ".into(), "the prompt and the tokens of a response before token t".into());
    }
    let mut functions: Vec<Function> = forms
        .iter()
        .filter_map(|form| if let Form::Call(function, _) = form { Some(*function) } else { None })
        .collect();
    functions.sort();
    functions.dedup();
    let mut about: Vec<(&str, &str)> = functions.iter().filter_map(|function| about_function(*function)).collect();
    about.dedup();
    about.into_iter().for_each(|(symbol, text)| row(symbol.into(), text.into()));
    let mut counts: Vec<(String, String)> = forms
        .iter()
        .filter_map(|form| match *form {
            Form::Count { over, whose, all } => Some((counted(over, whose, all).text, about_count(over, whose, all))),
            Form::Back { .. } => {
                Some(("back(f, g)".into(), "the derivative g by f's value, handed back by f's steps".into()))
            }
            _ => None,
        })
        .collect();
    counts.sort();
    counts.dedup();
    counts.into_iter().for_each(|(symbol, about)| row(symbol, about));
    rows
}

fn about_count(over: Depth, whose: Whose, all: bool) -> String {
    let side = match whose {
        Whose::Side(side @ (SideTag::Chosen | SideTag::Rejected)) => format!("{} ", lower(side)),
        Whose::Side(SideTag::Document) if all => "prompts and chosen ".into(),
        Whose::Side(SideTag::Document) => "prompt and chosen ".into(),
        Whose::Side(_) | Whose::Nobody | Whose::Any => String::new(),
    };
    match (over, all) {
        (Depth::EachResponse, true) => format!("how many {side}responses the optimizer's whole batch has"),
        (Depth::EachToken, true) => format!("how many tokens the {side}responses of the optimizer's whole batch have"),
        (Depth::EachResponse, false) => "how many responses there are to the prompt".into(),
        (Depth::EachToken, false) => format!("how many tokens the {side}response has"),
        (Depth::EachWord, _) => "how many words the vocabulary has".into(),
        (Depth::Constant | Depth::Batch | Depth::EachPrompt, _) => {
            "how many prompts the optimizer's whole batch has".into()
        }
    }
}

fn forms(store: &Store, ends: Vec<Ex>) -> Vec<Form> {
    let (mut seen, mut open, mut forms) = (std::collections::HashSet::new(), ends, Vec::new());
    while let Some(ex) = open.pop() {
        if seen.insert(ex) {
            forms.push(store.form(ex).clone());
            open.extend(store.parts(ex));
        }
    }
    forms
}

fn about_policy(owner: &str, trained: bool) -> String {
    match (owner, trained) {
        ("actor", true) => "the policy that is trained (actor)".into(),
        ("reference", false) => "the policy as it was before training (reference), frozen".into(),
        ("teacher", false) => "the model to become like (teacher), frozen".into(),
        ("behavior", false) => "the policy that drew the responses (behavior), frozen".into(),
        ("previous", false) => "the policy of the iteration before (previous), frozen".into(),
        (other, true) => format!("the policy `{other}`, trained"),
        (other, false) => format!("the policy `{other}`, frozen"),
    }
}

fn about_side(side: SideTag) -> String {
    let known = [
        (SideTag::Chosen, "the better response to a prompt"),
        (SideTag::Rejected, "the other response to it"),
        (SideTag::Sample, "each of the responses to a prompt"),
        (SideTag::Answer, "the response to a prompt"),
        (SideTag::Mismatched, "a response to another prompt"),
        (SideTag::Document, "the prompt and the better response as one text, from its second token on"),
    ];
    known.into_iter().find(|(known, _)| *known == side).map_or(String::new(), |(_, about)| about.into())
}

fn about_function(function: Function) -> Option<(&'static str, &'static str)> {
    match function {
        Function::Logistic | Function::LogLogistic => Some(("σ", "the logistic function")),
        Function::Clip => Some(("clip(x, a, b)", "x, but at least a and at most b")),
        Function::Positive => Some(("1[…]", "one where it holds, zero where not")),
        Function::Stopped => Some(("sg[…]", "held constant: no gradient flows through it")),
        Function::OthersMean => Some(("others(x)", "the mean of x over the other responses to the prompt")),
        Function::GroupMean => Some(("group(x)", "the mean of x over all responses to the prompt")),
        Function::Mixture => Some(("mix(x, y, a)", "the logarithm of a · exp x + (1 − a) · exp y")),
        Function::TopWords => {
            Some(("top(x, k)", "one for the k words with the largest x at a token, zero for the others"))
        }
        Function::Renormalised => {
            Some(("only(x, w)", "x − log Σᵥ w · exp x, over the words where w is not zero; zero for the others"))
        }
        Function::GroupLogSoftmax => Some(("softmax(x)", "exp x over the sum of exp x of all responses to the prompt")),
        Function::Sign => Some(("sign(x)", "1, 0 or −1")),
        Function::AtMost | Function::Below | Function::Inside => Some(("1[…]", "one where it holds, zero where not")),
        Function::NormalBelow => Some(("Φ", "the share of a standard normal distribution below its argument")),
        Function::NormalDensity => Some(("φ", "the density of the standard normal distribution")),
        Function::GroupSpread => Some(("std_y(x)", "the standard deviation of x over all responses to the prompt")),
        Function::OthersSpread => {
            Some(("std_others(x)", "the standard deviation of x over the other responses to the prompt"))
        }
        Function::BatchSpread => Some(("std(x)", "the standard deviation of x over the whole batch")),
        Function::Sorted => Some(("sort(x)", "the values of x of the whole batch in order, the smallest first")),
        Function::Following => Some(("next(x)", "x at the next token, 0 after the last")),
        Function::DiscountedSum => {
            Some(("discounted(x, d)", "x at this token, and d times the same at the next one, to the last"))
        }
        Function::AtLast => Some(("last(x)", "x at the response's last token, 0 at the others")),
        Function::Choose
        | Function::Root
        | Function::Smaller
        | Function::Larger
        | Function::Exponential
        | Function::Logarithm
        | Function::Magnitude
        | Function::Square => None,
    }
}

fn hyper_rows(subject: &Subject<'_>, parameters: &BTreeMap<String, Symbol>) -> Vec<Vec<String>> {
    let row = |spec: &crate::Spec| {
        let symbol = parameters.get(spec.name).filter(|symbol| symbol.text != spec.name);
        vec![
            spec.name.to_owned(),
            symbol.map(|symbol| symbol.text.clone()).unwrap_or_default(),
            short(spec.default),
            format!("{}{}", spec.range, if spec.whole { ", whole" } else { "" }),
            one_line(spec.about),
        ]
    };
    subject.specs.iter().map(row).collect()
}

/// A reduction in a sentence.
pub(super) fn reduction(reduction: &Reduction) -> String {
    let what = each(reduction.over);
    let sides: Vec<String> = reduction.sides.iter().map(|side| lower(*side)).collect();
    let of = if sides.len() < 2 { String::new() } else { format!(" ({})", sides.join(", ")) };
    match (reduction.how, reduction.over) {
        (How::Sum, Depth::EachWord) => format!("sum over the words of the vocabulary at each token{of}"),
        (How::Mean, Depth::EachWord) => format!("mean over the words of the vocabulary at each token{of}"),
        (How::Sum, Depth::EachToken) => format!("sum over the tokens of each response{of}"),
        (How::Mean, Depth::EachToken) => format!("mean over the tokens of each response{of}"),
        (How::Sum, Depth::EachResponse) => format!("sum over the responses to each prompt{of}"),
        (How::Mean, Depth::EachResponse) => format!("mean over the responses to each prompt{of}"),
        (How::Sum, _) => format!("sum over the {what} of the whole batch{of}"),
        (How::Mean | How::MeanAll, _) => {
            format!("mean over all {what} of the optimizer's whole batch{of}, however it is cut")
        }
    }
}

/// Each metric and what it is the mean of.
pub(super) fn metric_rows(subject: &Subject<'_>, parameters: &BTreeMap<String, Symbol>) -> Vec<Vec<String>> {
    let Some(formula) = Formula::new(subject.program, &BTreeMap::new()) else { return Vec::new() };
    let writer = Writer { formula: &formula, parameters, notation: Unicode };
    let row = |metric: &Metric| {
        let text = writer.used(formula.steps[metric.node.index()]).text;
        let mean = match subject.program.node(metric.node).ty.depth {
            Depth::Constant | Depth::Batch => text,
            depth => format!("mean over {} of {text}", each(depth)),
        };
        vec![metric.name.clone(), mean]
    };
    subject.program.metrics.iter().map(row).collect()
}

/// Each state: what it begins with, and what it is after a step.
pub(super) fn state_rows(subject: &Subject<'_>, parameters: &BTreeMap<String, Symbol>) -> Vec<Vec<String>> {
    let Some(formula) = Formula::new(subject.program, &BTreeMap::new()) else { return Vec::new() };
    let writer = Writer { formula: &formula, parameters, notation: Unicode };
    let text = |id: crate::ir::Id| writer.used(formula.steps[id.index()]).text;
    let row = |state: &State| {
        let next: Vec<String> = state.next.iter().map(|next| text(*next)).collect();
        vec![state.name.clone(), format!("begins as {}", text(state.initial)), format!("then {}", next.join(", then "))]
    };
    subject.program.states.iter().map(row).collect()
}

/// A place, if it names a file.
pub(super) fn known(place: &crate::ir::Place) -> Option<String> {
    (!place.file.is_empty()).then(|| place.to_string())
}

/// A paper, with its address where that is known.
pub(super) fn cited(paper: &str) -> String {
    paper.strip_prefix("arXiv:").map_or_else(|| paper.to_owned(), |id| format!("{paper}, https://arxiv.org/abs/{id}"))
}

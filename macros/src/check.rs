//! The rules of the roles. Each check adds to the report and goes on.

use crate::ast::{AlgorithmArguments, Field, Formula, Hyper, Policy};
use crate::message;
use crate::report::Report;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use std::collections::BTreeSet;
use syn::{FnArg, GenericArgument, Pat, PathArguments, ReturnType, Type};

/// What a formula of any role must keep to.
pub(crate) fn formula(formula: &Formula, report: &mut Report) {
    let mentioned = words(&formula.body);
    for argument in &formula.signature.inputs {
        if let FnArg::Typed(argument) = argument
            && let Pat::Ident(name) = &*argument.pat
            && !mentioned.contains(&name.ident.to_string())
        {
            report.at(&name.ident, message::unused(&name.ident.to_string()));
        }
    }
}

/// Words that decide what is computed, which a formula leaves to its numbers. Returns whether there are any.
pub(crate) fn words_of_control(body: &TokenStream, report: &mut Report) -> bool {
    const CONTROL: [&str; 8] = ["if", "match", "for", "while", "loop", "return", "mut", "unsafe"];
    let mut found = false;
    for_each_token(body, &mut |token| {
        if let TokenTree::Ident(word) = token
            && let Some(control) = CONTROL.iter().find(|c| word == *c)
        {
            found = true;
            report.at(word, message::no_formula(control));
        }
    });
    found
}

/// `#[reward]`, `#[loss]`: something comes out.
pub(crate) fn part(attribute: &str, formula: &Formula, report: &mut Report) {
    if matches!(formula.signature.output, ReturnType::Default) {
        report.at(&formula.signature.ident, message::no_quantity(attribute));
    }
}

/// Does a function return a plain number, or something that becomes one? Then it is no formula but judges texts.
pub(crate) fn gives_a_number(formula: &Formula) -> bool {
    match &formula.signature.output {
        ReturnType::Type(_, ty) => {
            last_words(ty).is_some_and(|(name, _)| matches!(name.as_str(), "f64" | "bool" | "Result"))
        }
        ReturnType::Default => false,
    }
}

/// `#[reward]` on a function that judges texts: of one borrowed argument, and nothing left open.
pub(crate) fn host(formula: &Formula, report: &mut Report) {
    let signature = &formula.signature;
    let borrows = |argument: &FnArg| match argument {
        FnArg::Typed(argument) => matches!(&*argument.ty, Type::Reference(r) if r.mutability.is_none()),
        FnArg::Receiver(_) => false,
    };
    let one = signature.inputs.len() == 1 && signature.inputs.iter().all(borrows);
    if !one || !signature.generics.params.is_empty() {
        report.at(&signature.ident, message::not_of_what_was_written());
    }
}

/// `#[algorithm]`: a plain function of borrowed arguments to one loss.
pub(crate) fn algorithm(formula: &Formula, report: &mut Report) {
    let signature = &formula.signature;
    if !signature.generics.params.is_empty() {
        report.at(&signature.generics, message::not_concrete());
    }
    let qualifiers = [
        signature.constness.as_ref().map(|t| t.to_token_stream()),
        signature.asyncness.as_ref().map(|t| t.to_token_stream()),
        signature.unsafety.as_ref().map(|t| t.to_token_stream()),
        signature.abi.as_ref().map(|t| t.to_token_stream()),
    ];
    for word in qualifiers.into_iter().flatten() {
        let text = word.to_string();
        report.at(word, message::not_plain(&text));
    }
    for argument in &signature.inputs {
        let borrowed = match argument {
            FnArg::Receiver(_) => false,
            FnArg::Typed(argument) => matches!(&*argument.ty, Type::Reference(r) if r.mutability.is_none()),
        };
        if !borrowed {
            report.at(argument, message::not_borrowed());
        }
    }
    returns_one_loss(formula, report);
}

/// A preset says whose formula it is and where that was read.
pub(crate) fn preset(arguments: &AlgorithmArguments, formula: &Formula, report: &mut Report) {
    let (preset, source) = (&arguments.preset, &arguments.source);
    let Some(preset) = preset else {
        if let Some(source) = source {
            report.at(source, message::no_preset());
        }
        return;
    };
    let name = preset.value();
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    if !name.split_once('@').is_some_and(|(algorithm, peer)| word(algorithm) && word(peer)) {
        report.at(preset, message::no_peer(&name));
        return;
    }
    let function = name.replace('@', "_");
    if formula.signature.ident != function {
        report.at(&formula.signature.ident, message::other_function(&name, &function));
    }
    if source.is_none() {
        report.at(preset, message::no_source(&name));
    }
}

/// By the last words of the return type. What cannot be read so is left to rustc.
fn returns_one_loss(formula: &Formula, report: &mut Report) {
    let ReturnType::Type(_, ty) = &formula.signature.output else {
        let help = "end with one number to be minimised and return `Scalar<Loss>`";
        report.at(&formula.signature.ident, message::not_one_loss("nothing", help));
        return;
    };
    let Some((handle, arguments)) = last_words(ty) else { return };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (returns, help) = match (handle.as_str(), arguments.as_slice()) {
        ("PerPrompt", _) => ("one value per prompt".to_owned(), "end with `.mean(Prompt)` and return `Scalar<Loss>`"),
        ("PerResponse", _) => {
            ("one value per response".to_owned(), "end with `.batch_mean()` and return `Scalar<Loss>`")
        }
        ("PerToken", _) => ("one value per token".to_owned(), "end with `.batch_mean()` and return `Scalar<Loss>`"),
        ("Scalar", ["Loss", "NoGrad"]) => {
            ("a constant".to_owned(), "a loss trains something: return `Scalar<Loss>` and detach only what is a weight")
        }
        ("Scalar", ["Gain", ..]) => ("a `Gain`".to_owned(), "put a minus before it and return `Scalar<Loss>`"),
        ("Scalar", [kind, ..]) if *kind != "Loss" => {
            (format!("a `{kind}`"), "end with a minus or `.as_loss()` and return `Scalar<Loss>`")
        }
        _ => return,
    };
    report.at(ty, message::not_one_loss(&returns, help));
}

/// The last segment of a path and its type arguments: `PerPrompt`, [`Loss`].
fn last_words(ty: &Type) -> Option<(String, Vec<String>)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let arguments = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => arguments
            .args
            .iter()
            .map(|a| match a {
                GenericArgument::Type(ty) => last_words(ty).map_or_else(String::new, |(name, _)| name),
                _ => String::new(),
            })
            .collect(),
        _ => Vec::new(),
    };
    Some((last.ident.to_string(), arguments))
}

/// `#[policy]`: one role, and a frozen one knows where it comes from.
pub(crate) fn policy(policy: &Policy, report: &mut Report) {
    match (&policy.trainable, &policy.frozen) {
        (Some(_), None) => {
            if let Some(from) = &policy.from {
                report.at(from, message::copied_but_trained("from"));
            }
            if let Some(refresh) = &policy.refresh {
                report.at(refresh, message::copied_but_trained("refresh"));
            }
        }
        (None, Some(frozen)) if policy.from.is_none() => report.at(frozen, message::no_origin()),
        (None, Some(_)) => {}
        (Some(_), Some(_)) | (None, None) => report.at(&policy.item.ident, message::no_role()),
    }
    if let Some(refresh) = &policy.refresh
        && !["rollout", "iteration"].contains(&refresh.value().as_str())
    {
        report.at(refresh, message::wrong_value("refresh", r#"`refresh = "rollout"` or `refresh = "iteration"`"#));
    }
}

/// `#[derive(Hyper)]`: a sentence, a range, and a default inside it.
pub(crate) fn hyper(hyper: &Hyper, report: &mut Report) {
    for field in &hyper.fields {
        if field.about.is_empty() {
            report.at(&field.name, message::no_sentence(&field.name.to_string()));
        }
        limits(field, report);
    }
}

fn limits(field: &Field, report: &mut Report) {
    let name = field.name.to_string();
    let range = written_range(field);
    if range.is_empty() {
        report.at(&field.name, message::no_range(&name, is_count(field)));
    }
    if let (Some(_), Some(again)) = (&field.above, &field.at_least) {
        report.at(&again.tokens, message::two_limits("lower"));
    }
    if let (Some(_), Some(again)) = (&field.below, &field.at_most) {
        report.at(&again.tokens, message::two_limits("upper"));
    }
    let lower = field.above.as_ref().map(|v| (v, false)).or(field.at_least.as_ref().map(|v| (v, true)));
    let upper = field.below.as_ref().map(|v| (v, false)).or(field.at_most.as_ref().map(|v| (v, true)));
    if let (Some((low, low_in)), Some((high, high_in))) = (lower, upper)
        && (low.number > high.number || (low.number == high.number && !(low_in && high_in)))
    {
        report.at(&high.tokens, message::empty_range(&name, &range));
        return;
    }
    let Some(default) = &field.default else {
        if !range.is_empty() {
            report.at(&field.name, message::no_default(&name));
        }
        return;
    };
    let too_low =
        lower.is_some_and(|(low, inside)| default.number < low.number || (default.number == low.number && !inside));
    let too_high =
        upper.is_some_and(|(high, inside)| default.number > high.number || (default.number == high.number && !inside));
    if too_low || too_high {
        report.at(&default.tokens, message::outside(&name, default.number, &range));
    } else if is_count(field) && default.number.fract() != 0.0 {
        report.at(&default.tokens, message::not_whole(&name));
    }
}

/// The range as messages write it: `above 0, at most 10`.
fn written_range(field: &Field) -> String {
    let limits =
        [("above", &field.above), ("at least", &field.at_least), ("below", &field.below), ("at most", &field.at_most)];
    let limits = limits.iter().filter_map(|(word, limit)| Some(format!("{word} {}", limit.as_ref()?.number)));
    limits.collect::<Vec<_>>().join(", ")
}

fn is_count(field: &Field) -> bool {
    last_words(&field.ty).is_some_and(|(name, _)| name == "Count")
}

fn words(body: &TokenStream) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for_each_token(body, &mut |token| {
        if let TokenTree::Ident(word) = token {
            words.insert(word.to_string());
        }
    });
    words
}

fn for_each_token(tokens: &TokenStream, f: &mut impl FnMut(&TokenTree)) {
    for token in tokens.clone() {
        match &token {
            TokenTree::Group(group) => for_each_token(&group.stream(), f),
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => f(&token),
        }
    }
}

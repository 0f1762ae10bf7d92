//! From syntax to what was declared.

use crate::ast::{AlgorithmArguments, Field, Formula, Hyper, PartArguments, Policy, Value};
use crate::message;
use crate::report::Report;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Expr, ExprLit, Fields, Item, Lit, LitStr, Meta, MetaNameValue, Token, UnOp};

impl Parse for Formula {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Formula {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: input.parse()?,
        })
    }
}

/// The function, or what to emit instead: an item of another sort with a complaint, or unreadable tokens as they
/// are, of which rustc speaks better.
pub(crate) fn formula(attribute: &str, item: TokenStream) -> Result<Formula, TokenStream> {
    syn::parse2::<Formula>(item.clone()).map_err(|_| match syn::parse2::<Item>(item.clone()) {
        Ok(other) => {
            let mut report = Report::default();
            report.at(other, message::wrong_item(&format!("#[{attribute}]"), "a function"));
            let complaint = report.into_tokens();
            quote::quote!(#item #complaint)
        }
        Err(_) => item,
    })
}

pub(crate) fn algorithm_arguments(tokens: TokenStream, report: &mut Report) -> AlgorithmArguments {
    let mut arguments = AlgorithmArguments::default();
    for meta in list(tokens, report) {
        match meta {
            Meta::NameValue(pair) if pair.path.is_ident("paper") => {
                once(&mut arguments.paper, &pair, text(&pair, r#"`paper = "arXiv:2305.18290"`"#, report), report);
            }
            Meta::Path(path) if path.is_ident("separable") => {
                once(&mut arguments.separable, &path, Some(path.clone()), report);
            }
            Meta::NameValue(pair) if pair.path.is_ident("preset") => {
                once(&mut arguments.preset, &pair, text(&pair, r#"`preset = "ipo@trl"`"#, report), report);
            }
            Meta::NameValue(pair) if pair.path.is_ident("source") => {
                let right = r#"`source = "TRL 1.9, trl/trainer/dpo_trainer.py"`"#;
                once(&mut arguments.source, &pair, text(&pair, right, report), report);
            }
            Meta::Path(path) if path.is_ident("online") => {
                once(&mut arguments.online, &path, Some(path.clone()), report);
            }
            Meta::NameValue(pair) if pair.path.is_ident("except") => {
                arguments.except.extend(exception(&pair, report));
            }
            other => report.at(other, message::wrong_argument("algorithm", r#"`#[algorithm(paper = "arXiv:…")]`"#)),
        }
    }
    arguments
}

/// `#[reward]` and `#[loss]` take exceptions from laws and nothing else.
pub(crate) fn part_arguments(attribute: &str, tokens: TokenStream, report: &mut Report) -> PartArguments {
    let mut arguments = PartArguments::default();
    for meta in list(tokens, report) {
        match meta {
            Meta::NameValue(pair) if pair.path.is_ident("except") => arguments.except.extend(exception(&pair, report)),
            other => report.at(other, message::wrong_argument(attribute, &format!("`#[{attribute}]` alone"))),
        }
    }
    arguments
}

/// `law: why`
fn exception(pair: &MetaNameValue, report: &mut Report) -> Option<LitStr> {
    let right = r#"`except = "monotone: why the formula breaks this law"`"#;
    let exception = text(pair, right, report)?;
    if exception.value().contains(": ") {
        return Some(exception);
    }
    report.at(exception, message::wrong_value("except", right));
    None
}

/// `None` if the item is not a struct: rustc, or the complaint in the report, says why.
pub(crate) fn policy(arguments: TokenStream, item: TokenStream, report: &mut Report) -> Option<Policy> {
    let wrong_item = || message::wrong_item("#[policy]", "a struct without fields, e.g. `pub struct Anchor;`");
    let item = match syn::parse2::<Item>(item).ok()? {
        Item::Struct(item) => item,
        other => {
            report.at(other, wrong_item());
            return None;
        }
    };
    if !matches!(item.fields, Fields::Unit) || !item.generics.params.is_empty() {
        report.at(&item.ident, wrong_item());
    }
    let mut policy = Policy { item, trainable: None, frozen: None, from: None, refresh: None };
    let right = r#"`#[policy(trainable)]` or `#[policy(frozen, from = Actor, refresh = "rollout")]`"#;
    for meta in list(arguments, report) {
        match meta {
            Meta::Path(path) if path.is_ident("trainable") => {
                once(&mut policy.trainable, &path, Some(path.clone()), report)
            }
            Meta::Path(path) if path.is_ident("frozen") => once(&mut policy.frozen, &path, Some(path.clone()), report),
            Meta::NameValue(pair) if pair.path.is_ident("from") => match &pair.value {
                Expr::Path(from) => once(&mut policy.from, &pair, Some(from.path.clone()), report),
                other => report.at(other, message::wrong_value("from", "a policy, e.g. `from = Actor`")),
            },
            Meta::NameValue(pair) if pair.path.is_ident("refresh") => {
                once(&mut policy.refresh, &pair, text(&pair, r#"`refresh = "rollout"`"#, report), report);
            }
            other => report.at(other, message::wrong_argument("policy", right)),
        }
    }
    Some(policy)
}

/// `None` if the item has no named fields: the report says why.
pub(crate) fn hyper(item: TokenStream, report: &mut Report) -> Option<Hyper> {
    let item = syn::parse2::<DeriveInput>(item).map_err(|e| report.take(e)).ok()?;
    let wrong_item = || message::wrong_item("#[derive(Hyper)]", "a struct with named fields and no parameters");
    let Data::Struct(syn::DataStruct { fields: Fields::Named(fields), .. }) = item.data else {
        report.at(&item.ident, wrong_item());
        return None;
    };
    if !item.generics.params.is_empty() {
        report.at(&item.generics, wrong_item());
        return None;
    }
    let fields = fields.named.into_iter().filter_map(|f| field(f, report)).collect();
    Some(Hyper { name: item.ident, fields })
}

fn field(field: syn::Field, report: &mut Report) -> Option<Field> {
    let about = documentation(&field.attrs);
    let (name, ty) = (field.ident?, field.ty);
    let mut declared =
        Field { name, ty, about, default: None, above: None, at_least: None, below: None, at_most: None };
    for attribute in field.attrs.iter().filter(|a| a.path().is_ident("hyper")) {
        let Meta::List(arguments) = &attribute.meta else {
            report.at(attribute, message::wrong_argument("hyper", "`#[hyper(default = 0.1, above = 0.0)]`"));
            continue;
        };
        for meta in list(arguments.tokens.clone(), report) {
            let known = match &meta {
                Meta::NameValue(pair) => match pair.path.get_ident().map(ToString::to_string).as_deref() {
                    Some("default") => Some((pair, &mut declared.default)),
                    Some("above") => Some((pair, &mut declared.above)),
                    Some("at_least") => Some((pair, &mut declared.at_least)),
                    Some("below") => Some((pair, &mut declared.below)),
                    Some("at_most") => Some((pair, &mut declared.at_most)),
                    _ => None,
                },
                Meta::Path(_) | Meta::List(_) => None,
            };
            match known {
                Some((pair, place)) => match number(&pair.value) {
                    Some(number) => once(place, pair, Some(Value { number, tokens: pair.value.clone() }), report),
                    None => {
                        let name = pair.path.to_token_stream().to_string();
                        report.at(&pair.value, message::wrong_value(&name, &format!("a number, e.g. `{name} = 0.1`")));
                    }
                },
                None => {
                    let words = "`default`, `above`, `at_least`, `below` or `at_most` and a number";
                    report.at(meta, message::wrong_argument("hyper", words));
                }
            }
        }
    }
    Some(declared)
}

/// The `///` lines above an item.
pub(crate) fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|a| match &a.meta {
        Meta::NameValue(MetaNameValue { path, value: Expr::Lit(ExprLit { lit: Lit::Str(line), .. }), .. })
            if path.is_ident("doc") =>
        {
            Some(line.value())
        }
        _ => None,
    });
    let lines: Vec<String> = lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect();
    lines.join("\n").trim().to_owned()
}

fn list(tokens: TokenStream, report: &mut Report) -> Vec<Meta> {
    match Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens) {
        Ok(list) => list.into_iter().collect(),
        Err(error) => {
            report.take(error);
            Vec::new()
        }
    }
}

fn once<T>(place: &mut Option<T>, written: &impl ToTokens, value: Option<T>, report: &mut Report) {
    if place.is_some() {
        let name = written.to_token_stream().into_iter().next().map(|t| t.to_string()).unwrap_or_default();
        report.at(written, message::said_twice(&name));
    } else {
        *place = value;
    }
}

fn text(pair: &MetaNameValue, right: &str, report: &mut Report) -> Option<LitStr> {
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if !text.value().trim().is_empty() => Some(text.clone()),
        other => {
            report.at(other, message::wrong_value(&pair.path.to_token_stream().to_string(), right));
            None
        }
    }
}

fn number(value: &Expr) -> Option<f64> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Float(x), .. }) => x.base10_parse().ok(),
        Expr::Lit(ExprLit { lit: Lit::Int(x), .. }) => x.base10_parse().ok(),
        Expr::Unary(negative) if matches!(negative.op, UnOp::Neg(_)) => Some(-number(&negative.expr)?),
        _ => None,
    }
}

/// A struct as its own snake-case name.
pub(crate) fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

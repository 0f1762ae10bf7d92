//! What each role adds to the item.

use crate::ast::{AlgorithmArguments, Field, Formula, Value};
use crate::report::Report;
use crate::{check, fallback, message, parse, trial};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{FnArg, ReturnType, Type};

/// `#[algorithm]`: the function, its entry, its test.
pub(crate) fn algorithm(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let formula = match parse::formula("algorithm", item) {
        Ok(formula) => formula,
        Err(instead) => return instead,
    };
    let mut report = Report::default();
    let arguments = parse::algorithm_arguments(arguments, &mut report);
    check::preset(&arguments, &formula, &mut report);
    check::algorithm(&formula, &mut report);
    check::formula(&formula, &mut report);
    if check::words_of_control(&formula.body, &mut report) {
        return fallback::signature(&formula, report);
    }
    if !report.is_empty() {
        return fallback::formula(&formula, report);
    }
    let entry = entry(&formula, &arguments);
    quote!(#formula #entry)
}

fn entry(formula: &Formula, arguments: &AlgorithmArguments) -> TokenStream {
    let name = &formula.signature.ident;
    let text = |text: &Option<syn::LitStr>| text.as_ref().map(syn::LitStr::value);
    let paper = text(&arguments.paper).unwrap_or_default();
    let called = text(&arguments.preset).unwrap_or_else(|| name.to_string());
    let preset = match (called.split_once('@'), text(&arguments.source)) {
        (Some((_, peer)), Some(source)) => {
            quote!(::core::option::Option::Some(::collimate::Preset { peer: #peer, source: #source }))
        }
        _ => quote!(::core::option::Option::None),
    };
    let online = arguments.online.is_some();
    let visibility = &formula.visibility;
    let constant = Ident::new(&name.to_string().to_uppercase(), name.span());
    let test = format_ident!("{name}_is_well_formed");
    let lawful = format_ident!("{name}_is_lawful");
    let separable = arguments.separable.is_some();
    let exceptions = trial::exceptions(&arguments.except);
    let about = parse::documentation(&formula.attributes);
    let documentation = format!("The entry of [`{name}`] in the list of algorithms.");
    let types: Vec<&Type> = formula.signature.inputs.iter().filter_map(borrowed).collect();
    let made = types.iter().map(|ty| quote_spanned!(ty.span()=> &<#ty as ::collimate::Arg>::arg()));
    let views = types.iter().map(|ty| quote_spanned!(ty.span()=> <#ty as ::collimate::Arg>::VIEW));
    let specs = types.iter().map(|ty| quote_spanned!(ty.span()=> <#ty as ::collimate::Arg>::specs()));
    let (none, several) = (message::no_view(), message::several_views());
    let view = quote_spanned! {name.span()=>
        match ::collimate::__private::views(&[#(#views),*]) {
            (view, 1) => view,
            (_, 0) => ::core::panic!(#none),
            _ => ::core::panic!(#several),
        }
    };
    let returned = match &formula.signature.output {
        ReturnType::Type(_, ty) => quote_spanned!(ty.span()=> ::collimate::Scalar<::collimate::Loss>),
        ReturnType::Default => quote!(()),
    };
    quote! {
        #[doc = #documentation]
        #visibility static #constant: ::collimate::Algorithm = ::collimate::Algorithm {
            name: #called,
            paper: #paper,
            preset: #preset,
            about: #about,
            file: ::core::file!(),
            view: #view,
            online: #online,
            separable: #separable,
            exceptions: #exceptions,
            hyper: || ::std::vec::Vec::from_iter([#(#specs),*].into_iter().flatten()),
            trace: || ::collimate::__private::trace(#called, || -> #returned { #name(#(#made),*) }),
        };
        #[cfg(test)]
        #[test]
        fn #test() {
            ::collimate::__private::assert_well_formed(&#constant);
        }
        #[cfg(test)]
        #[test]
        fn #lawful() {
            ::collimate::__private::assert_lawful(&#constant);
        }
    }
}

fn borrowed(argument: &FnArg) -> Option<&Type> {
    match argument {
        FnArg::Typed(argument) => match &*argument.ty {
            Type::Reference(reference) => Some(&reference.elem),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    }
}

/// `#[reward]`, `#[loss]`: the function and its test.
pub(crate) fn part(attribute: &str, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let formula = match parse::formula(attribute, item) {
        Ok(formula) => formula,
        Err(instead) => return instead,
    };
    let mut report = Report::default();
    let arguments = parse::part_arguments(attribute, arguments, &mut report);
    if attribute == "reward" && check::gives_a_number(&formula) {
        return host(&formula, report);
    }
    check::part(attribute, &formula, &mut report);
    check::formula(&formula, &mut report);
    if check::words_of_control(&formula.body, &mut report) {
        return fallback::signature(&formula, report);
    }
    if !report.is_empty() {
        return fallback::formula(&formula, report);
    }
    let test = trial::part(&formula, &arguments.except);
    quote!(#formula #test)
}

/// `#[reward]` on a function of what was written: the function and its entry. Its body is any Rust.
fn host(formula: &Formula, mut report: Report) -> TokenStream {
    check::host(formula, &mut report);
    if !report.is_empty() {
        return fallback::formula(formula, report);
    }
    let (name, visibility) = (&formula.signature.ident, &formula.visibility);
    let constant = Ident::new(&name.to_string().to_uppercase(), name.span());
    let (called, about) = (name.to_string(), parse::documentation(&formula.attributes));
    let documentation = format!("The entry of [`{name}`] in the list of rewards.");
    let worth = quote_spanned!(name.span()=> |written| ::collimate::rewards::Worth::worth(#name(written)));
    quote! {
        #formula
        #[doc = #documentation]
        #visibility static #constant: ::collimate::rewards::HostReward = ::collimate::rewards::HostReward {
            name: #called,
            about: #about,
            file: ::core::file!(),
            worth: #worth,
        };
    }
}

/// `#[policy]`: the struct and what it is.
pub(crate) fn policy(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut report = Report::default();
    let Some(policy) = parse::policy(arguments, item.clone(), &mut report) else {
        return fallback::item(item, report);
    };
    check::policy(&policy, &mut report);
    if !report.is_empty() {
        return fallback::item(item, report);
    }
    let struct_ = &policy.item;
    let name = &struct_.ident;
    let owner = parse::snake_case(&name.to_string());
    let gradient = if policy.frozen.is_some() { quote!(NoGrad) } else { quote!(Grad) };
    let from = match &policy.from {
        Some(from) => quote_spanned!(from.span()=> ::core::option::Option::Some(<#from as ::collimate::Policy>::OWNER)),
        None => quote!(::core::option::Option::None),
    };
    let refresh = match &policy.refresh {
        Some(refresh) => quote!(::core::option::Option::Some(#refresh)),
        None => quote!(::core::option::Option::None),
    };
    quote! {
        #struct_
        #[diagnostic::do_not_recommend]
        impl ::collimate::Policy for #name {
            type Grad = ::collimate::#gradient;
            const OWNER: &'static str = #owner;
            const FROM: ::core::option::Option<&'static str> = #from;
            const REFRESH: ::core::option::Option<&'static str> = #refresh;
        }
        #[diagnostic::do_not_recommend]
        impl ::collimate::Arg for #name {
            fn arg() -> Self {
                #name
            }
        }
    }
}

/// `#[derive(Hyper)]`: how the set is declared and how it is made for tracing. Written also when something was
/// complained about, or every use of the set would be an error of its own.
pub(crate) fn hyper(item: TokenStream) -> TokenStream {
    let mut report = Report::default();
    let Some(hyper) = parse::hyper(item, &mut report) else {
        return report.into_tokens();
    };
    check::hyper(&hyper, &mut report);
    let name = &hyper.name;
    let specs = hyper.fields.iter().map(spec);
    let made = hyper.fields.iter().map(|Field { name, ty, .. }| {
        let text = name.to_string();
        quote_spanned!(ty.span()=> #name: <#ty as ::collimate::Declared>::declared(#text))
    });
    let complaints = report.into_tokens();
    quote! {
        #[diagnostic::do_not_recommend]
        impl ::collimate::Arg for #name {
            fn arg() -> Self {
                #name { #(#made),* }
            }
            fn specs() -> ::std::vec::Vec<::collimate::Spec> {
                ::std::vec![#(#specs),*]
            }
        }
        #[diagnostic::do_not_recommend]
        impl ::collimate::Hyper for #name {}
        #complaints
    }
}

fn spec(field: &Field) -> TokenStream {
    let Field { name, ty, about, default, above, at_least, below, at_most } = field;
    let name = name.to_string();
    let default = default.as_ref().map_or(0.0, |value| value.number);
    let limits = [above, at_least, below, at_most].map(limit);
    let [above, at_least, below, at_most] = limits;
    quote! {
        ::collimate::Spec {
            name: #name,
            about: #about,
            default: #default,
            range: ::collimate::Interval { above: #above, at_least: #at_least, below: #below, at_most: #at_most },
            whole: <#ty as ::collimate::Declared>::WHOLE,
        }
    }
}

fn limit(value: &Option<Value>) -> TokenStream {
    match value {
        Some(Value { number, .. }) => quote!(::core::option::Option::Some(#number)),
        None => quote!(::core::option::Option::None),
    }
}

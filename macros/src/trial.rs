//! The test beside a part of a formula: a call on made-up arguments.

use crate::ast::Formula;
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use std::collections::BTreeMap;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{FnArg, GenericParam, LitStr, Pat, Token, Type, TypeParamBound, WherePredicate};

/// The laws that are broken on purpose, as a list of pairs.
pub(crate) fn exceptions(written: &[LitStr]) -> TokenStream {
    let pairs = written.iter().map(LitStr::value);
    let pairs = pairs.filter_map(|e| e.split_once(": ").map(|(law, why)| quote!((#law, #why))));
    quote!(&[#(#pairs),*])
}

/// The test of a part; nothing where a type parameter could be anything.
pub(crate) fn part(formula: &Formula, except: &[LitStr]) -> Option<TokenStream> {
    let signature = &formula.signature;
    let name = &signature.ident;
    let types = type_parameters(formula)?;
    let types = (!types.is_empty()).then(|| quote!(::<#(#types),*>));
    let arguments = signature.inputs.iter().map(argument).collect::<Option<Vec<_>>>()?;
    let exceptions = exceptions(except);
    let test = format_ident!("{name}_is_lawful");
    let text = name.to_string();
    Some(quote! {
        #[cfg(test)]
        #[test]
        fn #test() {
            ::collimate::__private::assert_part_lawful(#text, #exceptions, || #name #types (#(#arguments),*));
        }
    })
}

/// What stands for each type parameter, in their order.
fn type_parameters(formula: &Formula) -> Option<Vec<TokenStream>> {
    let generics = &formula.signature.generics;
    let mut bounds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for predicate in generics.where_clause.iter().flat_map(|clause| &clause.predicates) {
        if let WherePredicate::Type(predicate) = predicate
            && let Type::Path(path) = &predicate.bounded_ty
            && let Some(name) = path.path.get_ident()
        {
            bounds.entry(name.to_string()).or_default().extend(words(&predicate.bounds));
        }
    }
    let types = generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Type(parameter) => {
            let mut all = words(&parameter.bounds);
            all.extend(bounds.remove(&parameter.ident.to_string()).unwrap_or_default());
            Some(made_up(&all))
        }
        GenericParam::Lifetime(_) => None,
        GenericParam::Const(_) => Some(None),
    });
    types.collect()
}

fn words(bounds: &Punctuated<TypeParamBound, Token![+]>) -> Vec<String> {
    let last = |bound: &TypeParamBound| match bound {
        TypeParamBound::Trait(bound) => Some(bound.path.segments.last()?.ident.to_string()),
        _ => None,
    };
    bounds.iter().filter_map(last).collect()
}

/// A type with these bounds. The narrower ones come first.
fn made_up(bounds: &[String]) -> Option<TokenStream> {
    let known = [
        ("Several", quote!(::collimate::Sample)),
        ("Facing", quote!(::collimate::Rejected)),
        ("Side", quote!(::collimate::Chosen)),
        ("Trainable", quote!(::collimate::Actor)),
        ("Frozen", quote!(::collimate::Reference)),
        ("Policy", quote!(::collimate::Actor)),
        ("Gradient", quote!(::collimate::Grad)),
        ("Distance", quote!(::collimate::SquaredDistance)),
    ];
    let found = known.into_iter().find(|(bound, _)| bounds.iter().any(|b| b == bound));
    found.map(|(_, ty)| ty)
}

/// An argument by its type, which the signature gives it.
fn argument(argument: &FnArg) -> Option<TokenStream> {
    let FnArg::Typed(argument) = argument else { return None };
    let name = match &*argument.pat {
        Pat::Ident(name) => name.ident.to_string(),
        _ => "argument".to_owned(),
    };
    let (borrow, ty) = match &*argument.ty {
        Type::Reference(reference) => (quote!(&), &*reference.elem),
        ty => (quote!(), ty),
    };
    let made = match ty {
        Type::ImplTrait(ty) => {
            let ty = made_up(&words(&ty.bounds))?;
            quote!(::collimate::__private::made_up::<#ty>(#name))
        }
        _ => quote_spanned!(ty.span()=> ::collimate::__private::made_up(#name)),
    };
    Some(quote!(#borrow #made))
}

//! What is emitted when something was complained about: the item as written, so that the rest of the crate, and the
//! editor, still see it, and rustc adds nothing of its own to what was said.

use crate::ast::Formula;
use crate::report::Report;
use proc_macro2::TokenStream;
use quote::quote;

/// The function without its role.
pub(crate) fn formula(formula: &Formula, report: Report) -> TokenStream {
    let complaints = report.into_tokens();
    quote!(#[allow(unused_variables)] #formula #complaints)
}

/// The function without role and body: of a body that is no formula rustc would only say the same again.
pub(crate) fn signature(formula: &Formula, report: Report) -> TokenStream {
    let complaints = report.into_tokens();
    let Formula { attributes, visibility, signature, body: _ } = formula;
    quote! {
        #[allow(unused_variables)]
        #(#attributes)* #visibility #signature {
            ::core::panic!("not a formula")
        }
        #complaints
    }
}

/// The item without its role.
pub(crate) fn item(item: TokenStream, report: Report) -> TokenStream {
    let complaints = report.into_tokens();
    quote!(#item #complaints)
}

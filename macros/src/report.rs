//! A list of complaints. Checking never stops at the first.

use crate::message::Message;
use proc_macro2::TokenStream;
use quote::ToTokens;

/// All complaints about one item.
#[derive(Default)]
pub(crate) struct Report(Vec<syn::Error>);

impl Report {
    /// Complains about these tokens.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: Message) {
        self.0.push(syn::Error::new_spanned(tokens, message));
    }
    /// Takes over what the parser found.
    pub(crate) fn take(&mut self, error: syn::Error) {
        self.0.push(error);
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// As `compile_error!`s.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.iter().map(syn::Error::to_compile_error).collect()
    }
}

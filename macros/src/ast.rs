//! What was declared. Every part keeps its tokens, so that complaints point at what the user wrote.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, ItemStruct, LitStr, Path, Signature, Type, Visibility};

/// A function whose body is only tokens.
pub(crate) struct Formula {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: TokenStream,
}
impl ToTokens for Formula {
    fn to_tokens(&self, out: &mut TokenStream) {
        let Formula { attributes, visibility, signature, body } = self;
        out.extend(quote!(#(#attributes)* #visibility #signature #body));
    }
}

/// The argument of `#[algorithm]`.
#[derive(Default)]
pub(crate) struct AlgorithmArguments {
    pub(crate) paper: Option<LitStr>,
    /// `ipo@trl`
    pub(crate) preset: Option<LitStr>,
    pub(crate) source: Option<LitStr>,
    /// Its responses are drawn as it trains.
    pub(crate) online: Option<Path>,
    /// The promise that the batch can be cut.
    pub(crate) separable: Option<Path>,
    /// The laws it breaks on purpose, each `law: why`.
    pub(crate) except: Vec<LitStr>,
}

/// The argument of `#[reward]` and `#[loss]`.
#[derive(Default)]
pub(crate) struct PartArguments {
    /// The laws it breaks on purpose, each `law: why`.
    pub(crate) except: Vec<LitStr>,
}

/// A policy's struct and the arguments of `#[policy]`.
pub(crate) struct Policy {
    pub(crate) item: ItemStruct,
    pub(crate) trainable: Option<Path>,
    pub(crate) frozen: Option<Path>,
    pub(crate) from: Option<Path>,
    pub(crate) refresh: Option<LitStr>,
}

/// A set of hyper-parameters.
pub(crate) struct Hyper {
    pub(crate) name: Ident,
    pub(crate) fields: Vec<Field>,
}

/// One hyper-parameter.
pub(crate) struct Field {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
    /// Its `///` lines.
    pub(crate) about: String,
    pub(crate) default: Option<Value>,
    pub(crate) above: Option<Value>,
    pub(crate) at_least: Option<Value>,
    pub(crate) below: Option<Value>,
    pub(crate) at_most: Option<Value>,
}

/// A number as it was written.
pub(crate) struct Value {
    pub(crate) number: f64,
    pub(crate) tokens: Expr,
}

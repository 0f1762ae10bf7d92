//! The attribute macros of Collimate. Each declares a role, checks what rustc cannot say better, and returns the
//! item as written.
//!
//! The way of an item: `parse` turns syntax into what was declared (`ast`), `check` collects every complaint,
//! `expand` writes what the role adds, or `fallback` writes the item without it. Every text is in `message`.
//! The body of a formula is never parsed: half-typed it reaches rustc, and the editor, as it stands.
#![forbid(unsafe_code)]

mod ast;
mod check;
mod expand;
mod fallback;
mod message;
mod parse;
mod report;
#[cfg(test)]
mod tests;
mod trial;

use proc_macro::TokenStream;

/// Declares a formula as an algorithm: an entry for the list of algorithms.
///
/// ```text
/// /// Direct Preference Optimization.
/// #[algorithm(paper = "arXiv:2305.18290")]
/// pub fn dpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Dpo) -> Scalar<Loss> { … }
/// ```
///
/// It takes policies, one data view and at most one set of hyper-parameters, all by reference, uses each of them,
/// and returns `Scalar<Loss>`. Beside the function, which stays as written, stand `pub static DPO: Algorithm` and two
/// tests: `dpo_is_well_formed` traces and verifies it, `dpo_is_lawful` tries the laws of `collimate::laws` on it. A
/// formula that breaks one on purpose says so: `except = "monotone: the square pulls a gap back that is too large"`.
///
/// An algorithm on pairs or demonstrations that are drawn from the policy as it trains says so with `online`; groups
/// always are, unless they are given.
///
/// `separable` promises that the batch can be cut into micro-batches, and the test holds the formula to it.
///
/// A formula that follows somebody's code where that differs from the paper is a preset. It is called by the
/// algorithm's name and whose code it is, and says where that was read:
///
/// ```text
/// #[algorithm(paper = "arXiv:2310.12036", preset = "ipo@trl", source = "TRL 1.9, trl/trainer/dpo_trainer.py")]
/// pub fn ipo_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Ipo) -> Scalar<Loss> { … }
/// ```
#[proc_macro_attribute]
pub fn algorithm(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::algorithm(arguments.into(), item.into()).into()
}

/// Declares a function as a reward: implicit, shaped or of a model.
///
/// ```text
/// #[reward]
/// pub fn implicit<Y: Side>(actor: &Actor, reference: &Reference, y: Reply<Y>, beta: Param) -> PerResponse<Reward, Y> {
///     beta * (actor.logp(y) - reference.logp(y)).sum(Token)
/// }
/// ```
///
/// It uses every argument and returns a quantity. The function stays as written. Beside it stands a test,
/// `implicit_is_lawful`, that calls it on made-up arguments and tries on it those laws of `collimate::laws` that say
/// something of a part: its gradient by finite differences, no overflow, the same numbers however a batch is cut. A part
/// that breaks one on purpose says so: `except = "far: …"`. A type parameter is made up by its bound (`Side`, `Trainable`,
/// `Frozen`, `Policy`, …); a part with another bound is tried only where it is used.
///
/// A function that returns a plain number, a `bool` or a `Result` of one is no formula: it is ordinary Rust that judges
/// what was written. Beside it stands `pub static SHORT: HostReward`, its entry in the list of rewards.
///
/// ```text
/// /// Responses of ten words or fewer.
/// #[reward]
/// pub fn short(written: &Written<'_>) -> bool {
///     written.text().split_whitespace().count() <= 10
/// }
/// ```
#[proc_macro_attribute]
pub fn reward(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::part("reward", arguments.into(), item.into()).into()
}

/// Declares a function as a part of a loss that is worth a name. The same checks as `#[reward]`.
#[proc_macro_attribute]
pub fn loss(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::part("loss", arguments.into(), item.into()).into()
}

/// Declares a policy of one's own.
///
/// ```text
/// /// The actor of an hour ago.
/// #[policy(frozen, from = Actor, refresh = "iteration")]
/// pub struct Anchor;
/// ```
///
/// A policy is `trainable`, or `frozen` and a copy `from` another policy. `refresh` says when the copy is made
/// anew: at each `"rollout"` or each `"iteration"`; without it, never.
#[proc_macro_attribute]
pub fn policy(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::policy(arguments.into(), item.into()).into()
}

/// Declares a set of hyper-parameters, each with a sentence, a default and a range.
///
/// ```text
/// #[derive(Hyper)]
/// pub struct Dpo {
///     /// How strongly the policy is held to the reference.
///     #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
///     pub beta: Param,
/// }
/// ```
///
/// A field is a `Param`, a number in the formula, or a `Count`, a whole number: how many.
/// The limits are `above`, `at_least`, `below` and `at_most`.
#[proc_macro_derive(Hyper, attributes(hyper))]
pub fn hyper(item: TokenStream) -> TokenStream {
    expand::hyper(item.into()).into()
}

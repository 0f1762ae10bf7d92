//! The typed language of Collimate.
//!
//! An algorithm is an ordinary function over typed quantities. It takes policies, a view of the data and
//! hyper-parameters, and returns one loss:
//!
//! ```
//! # extern crate collimate_dsl as collimate;
//! collimate::prelude!();
//!
//! #[derive(Hyper)]
//! pub struct Dpo {
//!     /// How strongly the policy is held to the reference.
//!     #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
//!     pub beta: Param,
//! }
//!
//! /// The implicit reward: how much likelier the response has become, scaled.
//! #[reward]
//! pub fn implicit<Y: Side>(actor: &Actor, reference: &Reference, y: Reply<Y>, beta: Param) -> PerResponse<Reward, Y> {
//!     beta * (actor.logp(y) - reference.logp(y)).sum(Token)
//! }
//!
//! /// Direct Preference Optimization.
//! #[algorithm(paper = "arXiv:2305.18290")]
//! pub fn dpo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Dpo) -> Scalar<Loss> {
//!     let chosen = implicit(actor, reference, pair.chosen, hp.beta);
//!     let rejected = implicit(actor, reference, pair.rejected, hp.beta);
//!     -log_sigmoid(chosen - rejected).mean(Prompt)
//! }
//!
//! let program = (DPO.trace)();
//! assert_eq!(program.inputs().count(), 4);
//! ```
//!
//! # How to read a type
//!
//! `PerToken<LogProb, Chosen, NoGrad>` is one number for each token of the chosen response; the number is a
//! log-probability; no gradient flows through it. The last two are left out where they are the usual ones, `Sample` and
//! `Grad`.
//!
//! - **How many**: [`PerVocab`], [`PerToken`], [`PerResponse`], [`PerPrompt`], [`Scalar`]. `.sum(Token)` and `.mean(Prompt)` take away the
//!   innermost axis, `.batch_mean()` all of them. Outer values are repeated along inner axes in a product.
//! - **What**: a [`Kind`], e.g. [`LogProb`], [`Reward`], [`Margin`], [`Loss`]. The table in [`rules`] says which may be added,
//!   multiplied and compared, and what comes out. A [`Gain`] is no [`Loss`] until someone writes the minus.
//! - **Whose**: a [`Side`]. Tokens of two different responses never line up.
//! - **Trained or not**: [`Grad`] or [`NoGrad`]. A frozen policy gives constants; `.detach()` makes one.
//!
//! # What becomes of it
//!
//! Nothing is computed when the function runs: it runs on names and leaves a [`Program`](ir::Program) behind, plain data
//! with the place in the source of every step. [`eval`] says what a program means, in f64 and with its gradient.
#![forbid(unsafe_code)]
// The attribute macros write `::collimate::…`, here too.
extern crate self as collimate;

#[cfg(test)]
mod by_hand;
pub mod eval;
pub mod explain;
mod flow;
pub mod ir;
pub mod laws;
mod layout;
pub mod text;
pub mod verify;

mod algorithm;
mod automatic;
mod axis;
mod batch;
mod grad;
mod hyper;
mod kind;
mod level;
mod made_up;
mod number;
mod op;
mod operator;
mod policy;
mod prelude;
pub mod relation;
pub mod rules;
pub mod shape;
mod side;
mod trace;

pub use algorithm::{Algorithm, Arg, Preset};
pub use axis::{Prompt, Response, Token, Vocab};
pub use batch::{Annotated, Demo, Group, Pair, Rated, Reply, ScoredPair, Unpaired};
pub use collimate_macros::{Hyper, algorithm, loss, policy, reward};
pub use grad::{Grad, Gradient, NoGrad, Tape};
pub use hyper::{Count, Declared, HowMany, Hyper, Interval, Spec};
pub use kind::*;
pub use layout::{Layout, Reach, Totals};
pub use level::{As, PerPrompt, PerResponse, PerToken, PerVocab, Quantity, Scalar};
pub use number::{Limit, Param};
pub use op::*;
pub use policy::{
    Actor, Behavior, Critic, Frozen, Judge, Policy, Previous, Reference, RewardModel, Teacher, Trainable,
};
pub use relation::{Reduce, Several};
pub use side::{Answer, Chosen, Document, Mismatched, Rejected, Sample, Side};
pub use trace::trace;

/// What the attribute macros write; not for use by hand.
#[doc(hidden)]
pub mod __private {
    /// An argument of a part, made up for its test.
    #[track_caller]
    pub fn made_up<A: MadeUp>(name: &'static str) -> A {
        A::made_up(name)
    }
    pub use crate::algorithm::views;
    pub use crate::laws::{assert_lawful, assert_part_lawful};
    pub use crate::made_up::{MadeUp, Returned};
    pub use crate::trace::trace;
    pub use crate::verify::assert_well_formed;
}

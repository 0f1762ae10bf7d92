//! The typed language of Collimate.
#![forbid(unsafe_code)]
// The attribute macros write `::collimate::…`, here too.
extern crate self as collimate;

#[cfg(test)]
mod by_hand;
pub mod eval;
mod flow;
pub mod ir;
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
mod number;
mod op;
mod operator;
mod policy;
mod prelude;
mod relation;
pub mod rules;
mod shape;
mod side;
mod trace;

pub use algorithm::{Algorithm, Arg};
pub use axis::{Prompt, Response, Token};
pub use batch::{Demo, Group, Pair, Reply, ScoredPair};
pub use collimate_macros::{Hyper, algorithm, loss, policy, reward};
pub use grad::{Grad, Gradient, NoGrad, Tape};
pub use hyper::{Count, Declared, Hyper, Interval, Spec};
pub use kind::*;
pub use layout::{Layout, Reach, Totals};
pub use level::{As, PerPrompt, PerResponse, PerToken, Quantity, Scalar};
pub use number::{Limit, Param};
pub use op::*;
pub use policy::{Actor, Behavior, Critic, Frozen, Judge, Policy, Previous, Reference, RewardModel, Trainable};
pub use relation::*;
pub use shape::{Plain, Prompts, Responses, Shape, Tokens, Whole};
pub use side::{Answer, Chosen, Mismatched, Rejected, Sample, Side};
pub use trace::trace;

/// What the attribute macros write; not for use by hand.
#[doc(hidden)]
pub mod __private {
    pub use crate::algorithm::views;
    pub use crate::trace::trace;
    pub use crate::verify::assert_well_formed;
}

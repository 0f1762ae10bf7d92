//! THE typing table. Each row is written once; it becomes an impl that rustc obeys and a value that [`infer`]
//! obeys, so that the verifier of programs and the compiler cannot disagree.

mod advice;
mod binary;
mod functions;
mod infer;
mod list;
mod shapes;

pub use advice::*;
pub use infer::{fits, infer};
pub use list::{Rule, list};

use crate::ir::KindTag;

/// How two sides stand to each other, as a value (see `relation::shapes`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pairing {
    Aligned,
    Opposed,
    OuterLeft,
    OuterRight,
}

/// What must hold of the gradients, as a value (see `relation::gradients`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Need {
    AnyGradient,
    WeightLeft,
    WeightRight,
    AdvantageLeft,
    AdvantageRight,
}

/// One rule for an operation on two kinds.
pub(crate) struct Row {
    left: KindTag,
    right: KindTag,
    pairing: Pairing,
    need: Need,
    out: KindTag,
}

/// A table in the sections it is written in.
pub(crate) type Table = &'static [&'static [Row]];

/// One rule for a function of one kind.
pub(crate) struct Mapping {
    from: KindTag,
    to: KindTag,
}

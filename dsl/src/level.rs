//! The five handles. A handle is the name of one step of the program being traced; it is `Copy` and holds no number.

use crate::grad::{Grad, Gradient};
use crate::kind::Kind;
use crate::op::Formula;
use crate::shape::{Prompts, Responses, Shape, Tokens, Whole, Words};
use crate::side::{Sample, Side};
use crate::trace::Handle;
use std::marker::PhantomData;

/// Anything that can stand in a formula.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a quantity",
    label = "cannot stand in a formula",
    note = "a formula is made of what policies and data give, e.g. `actor.logp(y)`, of hyper-parameters and of `f64` numbers",
    note = "book: errors/q19"
)]
pub trait Quantity: Copy {
    /// One value for each what.
    type Shape: Shape;
    /// What the value means.
    type Kind: Kind;
    /// Whether a gradient flows through it.
    type Grad: Gradient;
    #[doc(hidden)]
    fn handle(self) -> Handle;
    #[doc(hidden)]
    fn of(handle: Handle) -> Self;
}

/// `Q` with another kind.
pub type As<Q, K> = <<Q as Quantity>::Shape as Shape>::Of<K, <Q as Quantity>::Grad>;

macro_rules! handle {
    ($(#[$doc:meta])* $name:ident [$($y:ident)?] $shape:ident) => {
        $(#[$doc])*
        #[must_use = "a term that is dropped trains nothing"]
        pub struct $name<K, $($y = Sample,)? G = Grad>(Handle, PhantomData<fn() -> (K, $($y,)? G)>);
        impl<K, $($y,)? G> Clone for $name<K, $($y,)? G> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<K, $($y,)? G> Copy for $name<K, $($y,)? G> {}
        #[diagnostic::do_not_recommend]
        impl<K: Kind, $($y: Side,)? G: Gradient> Quantity for $name<K, $($y,)? G> {
            type Shape = $shape$(<$y>)?;
            type Kind = K;
            type Grad = G;
            fn handle(self) -> Handle {
                self.0
            }
            fn of(handle: Handle) -> Self {
                Self(handle, PhantomData)
            }
        }
        impl<K: Kind, $($y: Side,)? G: Gradient> Formula for $name<K, $($y,)? G> {}
    };
}
handle! {
    /// One value for each word of the vocabulary at each token of each response of a side.
    PerVocab [Y] Words
}
handle! {
    /// One value for each token of each response of a side.
    PerToken [Y] Tokens
}
handle! {
    /// One value for each response of a side.
    PerResponse [Y] Responses
}
handle! {
    /// One value for each prompt.
    PerPrompt [] Prompts
}
handle! {
    /// One value for the whole batch.
    Scalar [] Whole
}

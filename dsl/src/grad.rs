//! Does a gradient flow through a value?

/// How gradients join. Only [`Grad`] and [`NoGrad`] implement it.
pub trait Tape: 'static {
    /// The gradient of a value made of two.
    type Join<G: Gradient>: Gradient;
    #[doc(hidden)]
    const LIVE: bool;
}

/// [`Grad`] or [`NoGrad`]. The laws of joining are part of the trait, so that a function for any `G` may
/// multiply by a constant and still return `G`.
#[diagnostic::on_unimplemented(message = "`{Self}` is neither `Grad` nor `NoGrad`")]
pub trait Gradient: Tape<Join<NoGrad> = Self> + Tape<Join<Grad> = Grad> + Tape<Join<Self> = Self> + Sized {}

/// A gradient flows.
pub enum Grad {}
/// A constant for training.
pub enum NoGrad {}

impl Tape for Grad {
    type Join<G: Gradient> = Grad;
    const LIVE: bool = true;
}
impl Gradient for Grad {}
impl Tape for NoGrad {
    type Join<G: Gradient> = G;
    const LIVE: bool = false;
}
impl Gradient for NoGrad {}

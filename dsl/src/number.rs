//! Numbers that come from no batch: hyper-parameters and literals.

use crate::grad::NoGrad;
use crate::ir::Op;
use crate::kind::Number;
use crate::level::Quantity;
use crate::op::Formula;
use crate::shape::Plain;
use crate::trace::{self, Handle};

/// A hyper-parameter, or a number made of some.
#[derive(Clone, Copy)]
pub struct Param(Handle);
#[diagnostic::do_not_recommend]
impl Quantity for Param {
    type Shape = Plain;
    type Kind = Number;
    type Grad = NoGrad;
    fn handle(self) -> Handle {
        self.0
    }
    fn of(handle: Handle) -> Self {
        Self(handle)
    }
}
impl Formula for Param {}

/// What a value can be held between: a hyper-parameter or a literal.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a limit",
    label = "one value for each element",
    note = "hold it between hyper-parameters or numbers, or use `min` and `max`",
    note = "book: errors/q19"
)]
pub trait Limit: Quantity {}
#[diagnostic::do_not_recommend]
impl Limit for Param {}

macro_rules! literal {
    ($number:ident) => {
        #[diagnostic::do_not_recommend]
        impl Quantity for $number {
            type Shape = Plain;
            type Kind = Number;
            type Grad = NoGrad;
            #[track_caller]
            fn handle(self) -> Handle {
                trace::step::<Param>(Op::Literal(self.into()), &[]).handle()
            }
            fn of(_: Handle) -> Self {
                unreachable!("no operation returns a literal")
            }
        }
        #[diagnostic::do_not_recommend]
        impl Limit for $number {}
    };
}
literal!(f64);
literal!(i32);

//! Arguments made up for a part of a formula, so that it can be tried without the formulas it is a part of.

use crate::algorithm::Arg;
use crate::batch::Reply;
use crate::grad::Gradient;
use crate::hyper::{Count, Declared, Interval, Spec};
use crate::kind::Kind;
use crate::level::{PerPrompt, PerResponse, PerToken, PerVocab, Quantity, Scalar};
use crate::number::Param;
use crate::side::Side;
use crate::trace::input;
use std::cell::RefCell;

/// The owner of the inputs that stand for quantities a part is given.
pub(crate) const GIVEN: &str = "given";

/// What the arguments of a part have declared: hyper-parameters, and the data view it reads.
#[derive(Default)]
pub(crate) struct Declarations {
    pub(crate) specs: Vec<Spec>,
    pub(crate) view: &'static str,
}

thread_local! {
    static DECLARED: RefCell<Declarations> = RefCell::default();
}

/// What has been declared since it was last asked.
pub(crate) fn take() -> Declarations {
    DECLARED.take()
}

/// An argument that the test beside a `#[reward]` or `#[loss]` can make up. Of anything else it says so:
///
/// ```compile_fail
/// # extern crate collimate_dsl as collimate;
/// let text: String = collimate::__private::made_up("text");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made up for the test of this part",
    label = "no policy, reply, quantity, data view, hyper-parameter or number",
    note = "take the quantity that the part works on, or leave the attribute out: then it is tried only where it is used",
    note = "book: errors/s06"
)]
pub trait MadeUp: Sized {
    #[doc(hidden)]
    fn made_up(name: &'static str) -> Self;
}

#[diagnostic::do_not_recommend]
impl<A: Arg> MadeUp for A {
    #[track_caller]
    fn made_up(_: &'static str) -> Self {
        DECLARED.with_borrow_mut(|declared| {
            declared.specs.extend(A::specs());
            declared.view = A::VIEW.unwrap_or(declared.view);
        });
        A::arg()
    }
}
#[diagnostic::do_not_recommend]
impl<Y> MadeUp for Reply<Y> {
    fn made_up(_: &'static str) -> Self {
        Reply::new()
    }
}

fn declare(name: &'static str, range: Interval, default: f64, whole: bool) {
    let spec = Spec { name, about: "Made up.", default, range, whole };
    DECLARED.with_borrow_mut(|declared| declared.specs.push(spec));
}

/// A share of 1: limits, prices, temperatures and probabilities may all have it.
#[diagnostic::do_not_recommend]
impl MadeUp for Param {
    #[track_caller]
    fn made_up(name: &'static str) -> Self {
        declare(name, Interval { at_least: Some(0.1), at_most: Some(0.9), ..Interval::default() }, 0.3, false);
        Param::declared(name)
    }
}
#[diagnostic::do_not_recommend]
impl MadeUp for Count {
    fn made_up(name: &'static str) -> Self {
        declare(name, Interval { at_least: Some(1.0), at_most: Some(3.0), ..Interval::default() }, 2.0, true);
        Count::declared(name)
    }
}
#[diagnostic::do_not_recommend]
impl MadeUp for f64 {
    fn made_up(_: &'static str) -> Self {
        0.3
    }
}
#[diagnostic::do_not_recommend]
impl MadeUp for i32 {
    fn made_up(_: &'static str) -> Self {
        2
    }
}

macro_rules! quantities {
    ($( $handle:ident [$($y:ident)?] )*) => { $(
        #[diagnostic::do_not_recommend]
        impl<K: Kind, $($y: Side,)? G: Gradient> MadeUp for $handle<K, $($y,)? G> {
            #[track_caller]
            fn made_up(name: &'static str) -> Self {
                input(GIVEN, name)
            }
        }
    )* };
}
quantities! { PerVocab [Y] PerToken [Y] PerResponse [Y] PerPrompt [] Scalar [] }

/// What a part returns: one quantity, or a few.
pub trait Returned {
    #[doc(hidden)]
    fn handles(self) -> Vec<crate::trace::Handle>;
}
#[diagnostic::do_not_recommend]
impl<Q: Quantity> Returned for Q {
    #[track_caller]
    fn handles(self) -> Vec<crate::trace::Handle> {
        vec![self.handle()]
    }
}
#[diagnostic::do_not_recommend]
impl<A: Quantity, B: Quantity> Returned for (A, B) {
    #[track_caller]
    fn handles(self) -> Vec<crate::trace::Handle> {
        vec![self.0.handle(), self.1.handle()]
    }
}
#[diagnostic::do_not_recommend]
impl<A: Quantity, B: Quantity, C: Quantity> Returned for (A, B, C) {
    #[track_caller]
    fn handles(self) -> Vec<crate::trace::Handle> {
        vec![self.0.handle(), self.1.handle(), self.2.handle()]
    }
}

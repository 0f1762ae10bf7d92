//! Hyper-parameters: numbers with a name, a sentence, a default and a range.

use crate::algorithm::Arg;
use crate::ir::Op;
use crate::level::Quantity;
use crate::number::Param;
use crate::trace;
use std::fmt;

/// A set of hyper-parameters. Derive it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of hyper-parameters",
    label = "no `Hyper`",
    note = "put `#[derive(Hyper)]` on it"
)]
pub trait Hyper: Arg {}

/// What is declared of one hyper-parameter.
#[derive(Clone, PartialEq, Debug)]
pub struct Spec {
    /// The field's name, the name on the command line.
    pub name: &'static str,
    /// Its sentence.
    pub about: &'static str,
    /// Its value unless another is given.
    pub default: f64,
    /// The values it may have.
    pub range: Interval,
    /// Whole numbers only.
    pub whole: bool,
}
impl Spec {
    /// May the hyper-parameter have this value?
    #[must_use]
    pub fn allows(&self, value: f64) -> bool {
        self.range.contains(value) && (!self.whole || value.fract() == 0.0)
    }
}

/// The values a hyper-parameter may have, limited on no, one or two sides.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Interval {
    /// Larger than this.
    pub above: Option<f64>,
    /// This or larger.
    pub at_least: Option<f64>,
    /// Smaller than this.
    pub below: Option<f64>,
    /// This or smaller.
    pub at_most: Option<f64>,
}
impl Interval {
    /// Is the value inside? A value that is not finite never is.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        value.is_finite()
            && self.above.is_none_or(|limit| value > limit)
            && self.at_least.is_none_or(|limit| value >= limit)
            && self.below.is_none_or(|limit| value < limit)
            && self.at_most.is_none_or(|limit| value <= limit)
    }
}
impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits =
            [("above", self.above), ("at least", self.at_least), ("below", self.below), ("at most", self.at_most)];
        let mut written = limits.into_iter().filter_map(|(word, limit)| Some((word, limit?)));
        match written.next() {
            Some((word, limit)) => write!(f, "{word} {limit}")?,
            None => return f.write_str("any number"),
        }
        written.try_for_each(|(word, limit)| write!(f, ", {word} {limit}"))
    }
}

/// A whole number: how many responses are drawn, or how many words are kept. No quantity: nothing is added to it or
/// multiplied by it.
#[derive(Clone, Copy)]
pub struct Count(&'static str);

/// How many of something a formula keeps: a [`Count`], or a whole number from the source.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how many",
    label = "not a whole number",
    note = "declare the hyper-parameter as a `Count`, or write a whole number",
    note = "book: errors/q19"
)]
pub trait HowMany {
    #[doc(hidden)]
    fn how_many(self) -> trace::Handle;
}
#[diagnostic::do_not_recommend]
impl HowMany for Count {
    #[track_caller]
    fn how_many(self) -> trace::Handle {
        // Only now: a count that no formula reads leaves no step.
        trace::step::<Param>(Op::Parameter(self.0.to_owned()), &[]).handle()
    }
}
#[diagnostic::do_not_recommend]
impl HowMany for i32 {
    #[track_caller]
    fn how_many(self) -> trace::Handle {
        self.handle()
    }
}

/// The type of a hyper-parameter: [`Param`] or [`Count`].
#[diagnostic::on_unimplemented(
    message = "a hyper-parameter is a `Param` or a `Count`, `{Self}` is neither",
    label = "no hyper-parameter",
    note = "write `Param` for a number in the formula, `Count` for how many of something are drawn",
    note = "book: errors/s09"
)]
pub trait Declared {
    #[doc(hidden)]
    const WHOLE: bool;
    #[doc(hidden)]
    fn declared(name: &'static str) -> Self;
}
#[diagnostic::do_not_recommend]
impl Declared for Param {
    const WHOLE: bool = false;
    #[track_caller]
    fn declared(name: &'static str) -> Self {
        trace::step(Op::Parameter(name.to_owned()), &[])
    }
}
#[diagnostic::do_not_recommend]
impl Declared for Count {
    const WHOLE: bool = true;
    fn declared(name: &'static str) -> Self {
        Count(name)
    }
}

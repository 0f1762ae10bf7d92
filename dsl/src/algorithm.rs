//! An algorithm as the list of algorithms knows it.

use crate::eval::Settings;
use crate::hyper::Spec;
use crate::ir::Program;

/// Whose formula a preset follows, and where that was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Preset {
    /// `trl` of `ipo@trl`.
    pub peer: &'static str,
    /// Project, version, file.
    pub source: &'static str,
}

/// One entry of the list. `#[algorithm]` writes it: `pub static DPO: Algorithm` beside `fn dpo`.
#[derive(Debug)]
pub struct Algorithm {
    /// The function's name; a preset's is `name@peer`.
    pub name: &'static str,
    /// Where it was published.
    pub paper: &'static str,
    /// Whose formula it is, if it is not the paper's.
    pub preset: Option<Preset>,
    /// The function's documentation.
    pub about: &'static str,
    /// The source file it is written in.
    pub file: &'static str,
    /// The data it reads: the view's name in snake case.
    pub view: &'static str,
    /// Are its responses drawn from the policy as it trains, even where its view is one of given responses?
    pub online: bool,
    /// The laws it breaks on purpose ([`crate::laws`]), each with the reason.
    pub exceptions: &'static [(&'static str, &'static str)],
    /// Its hyper-parameters.
    pub hyper: fn() -> Vec<Spec>,
    /// Does it promise that its batch can be cut into micro-batches?
    pub separable: bool,
    /// Runs the formula on names instead of numbers.
    pub trace: fn() -> Program,
}

impl Algorithm {
    /// Are its responses drawn from the policy as it trains, unless they are given? Those of a group always are.
    #[must_use]
    pub fn draws(&self) -> bool {
        self.online || self.view == "group"
    }

    /// Its hyper-parameters at their defaults.
    #[must_use]
    pub fn defaults(&self) -> Settings {
        (self.hyper)().into_iter().map(|spec| (spec.name.to_owned(), spec.default)).collect()
    }

    /// The algorithm that it varies if it is a preset: `ipo` of `ipo@trl`. Otherwise its own name.
    #[must_use]
    pub fn family(&self) -> &'static str {
        self.name.split_once('@').map_or(self.name, |(family, _)| family)
    }
}

/// What an algorithm can take: a policy, a data view, a set of hyper-parameters.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of an algorithm",
    label = "not a policy, data view or set of hyper-parameters",
    note = "put numbers into a struct with `#[derive(Hyper)]`",
    note = "book: errors/s06"
)]
pub trait Arg: Sized {
    #[doc(hidden)]
    const VIEW: Option<&'static str> = None;
    /// Made for tracing.
    #[doc(hidden)]
    fn arg() -> Self;
    /// The hyper-parameters it declares.
    #[doc(hidden)]
    fn specs() -> Vec<Spec> {
        Vec::new()
    }
}

/// The data views among an algorithm's arguments: the first one, and how many there are.
#[doc(hidden)]
#[must_use]
pub const fn views(arguments: &[Option<&'static str>]) -> (&'static str, usize) {
    let (mut first, mut count, mut i) = ("", 0, 0);
    while i < arguments.len() {
        if let Some(view) = arguments[i] {
            if count == 0 {
                first = view;
            }
            count += 1;
        }
        i += 1;
    }
    (first, count)
}

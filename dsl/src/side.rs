//! Whose tokens: which response of the batch a value belongs to.

use crate::ir::SideTag;

/// A side, as a type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a side",
    note = "sides are `Chosen`, `Rejected`, `Sample`, `Answer`, `Mismatched`, `Document`"
)]
pub trait Side: sealed::Tagged + 'static {}

pub(crate) mod sealed {
    /// The same side, as a value.
    pub trait Tagged {
        const TAG: super::SideTag;
    }
}

macro_rules! sides {
    ($( $(#[$doc:meta])* $name:ident )*) => { $(
        $(#[$doc])*
        pub enum $name {}
        impl Side for $name {}
        impl sealed::Tagged for $name {
            const TAG: SideTag = SideTag::$name;
        }
    )* };
}
sides! {
    /// The preferred response of a pair.
    Chosen
    /// The other response of a pair.
    Rejected
    /// One of several responses drawn for a prompt.
    Sample
    /// The only response to its prompt.
    Answer
    /// A response that belongs to another prompt.
    Mismatched
    /// A prompt and its preferred response as one text: the prompt's own tokens are scored too, all but the first.
    Document
}

/// Stands in for "some other type". Where a trait has one implementor only, rustc explains that one at
/// length instead of printing our text; this type is the second.
pub(crate) struct Nobody;
impl Side for Nobody {}
impl sealed::Tagged for Nobody {
    const TAG: SideTag = SideTag::Sample;
}

//! Everything known about a node without a batch.

use std::fmt;

/// How deep a value goes. Axes nest as Prompt > Response > Token > Vocab.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Depth {
    /// A number that comes from no batch: a literal, a hyper-parameter, or made of such.
    Constant,
    /// One for the whole batch.
    Batch,
    /// One for each prompt.
    EachPrompt,
    /// One for each response of a side.
    EachResponse,
    /// One for each token of each response of a side.
    EachToken,
    /// One for each word of the vocabulary at each token.
    EachWord,
}

macro_rules! tags {
    ($(#[$doc:meta])* $Tag:ident { $( $name:ident )* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $Tag(&'static str);
        #[allow(non_upper_case_globals, missing_docs)]
        impl $Tag {
            $( pub const $name: $Tag = $Tag(stringify!($name)); )*
            /// All of them.
            pub const ALL: &'static [$Tag] = &[$( $Tag::$name ),*];
            /// As written in Rust.
            #[must_use]
            pub fn name(self) -> &'static str {
                self.0
            }
            /// The one with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|t| t.0 == name)
            }
        }
        impl fmt::Display for $Tag {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }
        impl fmt::Debug for $Tag {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }
    };
}
tags! {
    /// What a number means, as a value.
    KindTag {
        Number LogProb Prob LogRatio Ratio Reward Margin Baseline Value Return Advantage Weight Spread Gain Loss Entropy Kl
    }
}
tags! {
    /// Which responses of the batch, as a value.
    SideTag { Chosen Rejected Sample Answer Mismatched Document }
}

/// Kind, depth, side and gradient of a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ty {
    /// What the number means.
    pub kind: KindTag,
    /// One value for each what.
    pub depth: Depth,
    /// Whose responses or tokens; `None` for prompts, the batch and constants.
    pub side: Option<SideTag>,
    /// Does a gradient flow through it?
    pub live: bool,
}

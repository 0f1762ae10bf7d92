//! The shape of a batch: how many prompts, which responses, how many tokens each.

use crate::ir::{Depth, SideTag, Ty};

/// One response of one side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reach {
    /// Index of its prompt in the (micro-)batch.
    pub prompt: usize,
    /// How many of its tokens are scored (end token included); at least 1.
    pub tokens: usize,
}

/// The responses of each side, in order of their prompts.
///
/// A value of depth `EachToken` is one flat vector: the tokens of the side's responses one after another. One of depth
/// `EachWord` is as well: for each of these tokens, all words of the vocabulary.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Layout {
    /// Prompts here.
    pub prompts: usize,
    /// Responses of each side that occurs.
    pub sides: Vec<(SideTag, Vec<Reach>)>,
    /// Words of the vocabulary; only asked for by a program that reads a value for each word.
    pub words: usize,
}

impl Layout {
    /// The responses of one side; none if the side does not occur.
    #[must_use]
    pub fn side(&self, side: SideTag) -> &[Reach] {
        self.sides.iter().find(|(s, _)| *s == side).map_or(&[], |(_, r)| r)
    }

    /// How many numbers a value of this type has.
    #[must_use]
    pub fn len(&self, ty: Ty) -> usize {
        let responses = ty.side.map_or(&[][..], |s| self.side(s));
        match ty.depth {
            Depth::Constant | Depth::Batch => 1,
            Depth::EachPrompt => self.prompts,
            Depth::EachResponse => responses.len(),
            Depth::EachToken => responses.iter().map(|r| r.tokens).sum(),
            Depth::EachWord => responses.iter().map(|r| r.tokens).sum::<usize>() * self.words,
        }
    }

    /// The counts of this layout alone.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals {
            prompts: self.prompts,
            sides: self.sides.iter().map(|(s, r)| (*s, r.len(), r.iter().map(|r| r.tokens).sum())).collect(),
            words: self.words,
        }
    }
}

/// Counts over the whole optimizer batch, of which a layout may be a part. Means divide by these, so that
/// the number does not depend on how the batch was cut.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// Prompts.
    pub prompts: usize,
    /// For each side: responses, tokens.
    pub sides: Vec<(SideTag, usize, usize)>,
    /// Words of the vocabulary.
    pub words: usize,
}

impl Totals {
    /// How many numbers a value of this type has over the whole optimizer batch.
    #[must_use]
    pub fn len(&self, ty: Ty) -> usize {
        let side = ty.side.and_then(|s| self.sides.iter().find(|(t, ..)| *t == s));
        let (responses, tokens) = side.map_or((0, 0), |(_, r, t)| (*r, *t));
        match ty.depth {
            Depth::Constant | Depth::Batch => 1,
            Depth::EachPrompt => self.prompts,
            Depth::EachResponse => responses,
            Depth::EachToken => tokens,
            Depth::EachWord => tokens * self.words,
        }
    }
}

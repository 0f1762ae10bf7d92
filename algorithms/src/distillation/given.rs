//! Two tokens as a teacher and a student see them, for the numbers the distillations assert of themselves.

use crate::given::Given;
use crate::ir::SideTag;

/// One response of two tokens and a vocabulary of four words.
pub(super) fn two_tokens() -> Given {
    Given::prompts(&[SideTag::Answer], 2)
        .words("teacher", SideTag::Answer, &[&[0.5, 0.3, 0.15, 0.05], &[0.1, 0.2, 0.3, 0.4]])
        .words("actor", SideTag::Answer, &[&[0.2, 0.4, 0.3, 0.1], &[0.25, 0.25, 0.4, 0.1]])
}

/// By what the student says of each word.
pub(super) const STUDENT: (&str, &str, SideTag) = ("actor", "words", SideTag::Answer);

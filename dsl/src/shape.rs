//! How many values a quantity has: one for each what, of which side.

use crate::grad::Gradient;
use crate::ir::{Depth, SideTag};
use crate::kind::Kind;
use crate::level::{PerPrompt, PerResponse, PerToken, PerVocab, Quantity, Scalar};
use crate::number::Param;
use crate::side::{Side, sealed::Tagged};
use std::marker::PhantomData;

/// One value for each what.
pub trait Shape: 'static {
    /// The handle of this shape.
    type Of<K: Kind, G: Gradient>: Quantity;
    #[doc(hidden)]
    const DEPTH: Depth;
    #[doc(hidden)]
    const SIDE: Option<SideTag>;
}

/// The words of the vocabulary at the tokens of one side.
pub struct Words<Y>(PhantomData<fn() -> Y>);
impl<Y: Side> Shape for Words<Y> {
    type Of<K: Kind, G: Gradient> = PerVocab<K, Y, G>;
    const DEPTH: Depth = Depth::EachWord;
    const SIDE: Option<SideTag> = Some(<Y as Tagged>::TAG);
}

/// The tokens of one side.
pub struct Tokens<Y>(PhantomData<fn() -> Y>);
impl<Y: Side> Shape for Tokens<Y> {
    type Of<K: Kind, G: Gradient> = PerToken<K, Y, G>;
    const DEPTH: Depth = Depth::EachToken;
    const SIDE: Option<SideTag> = Some(<Y as Tagged>::TAG);
}

/// The responses of one side.
pub struct Responses<Y>(PhantomData<fn() -> Y>);
impl<Y: Side> Shape for Responses<Y> {
    type Of<K: Kind, G: Gradient> = PerResponse<K, Y, G>;
    const DEPTH: Depth = Depth::EachResponse;
    const SIDE: Option<SideTag> = Some(<Y as Tagged>::TAG);
}

/// The prompts.
pub enum Prompts {}
impl Shape for Prompts {
    type Of<K: Kind, G: Gradient> = PerPrompt<K, G>;
    const DEPTH: Depth = Depth::EachPrompt;
    const SIDE: Option<SideTag> = None;
}

/// The batch.
pub enum Whole {}
impl Shape for Whole {
    type Of<K: Kind, G: Gradient> = Scalar<K, G>;
    const DEPTH: Depth = Depth::Batch;
    const SIDE: Option<SideTag> = None;
}

/// No batch at all: a hyper-parameter or a literal.
pub enum Plain {}
impl Shape for Plain {
    type Of<K: Kind, G: Gradient> = Param;
    const DEPTH: Depth = Depth::Constant;
    const SIDE: Option<SideTag> = None;
}

//! Which kinds and shapes the functions accept, and what comes out.

use super::Mapping;
use crate::axis::{Prompt, Response, Token, Vocab};
use crate::grad::{Gradient, NoGrad};
use crate::ir::{Depth, KindTag, SideTag};
use crate::level::{PerPrompt, PerResponse, PerToken, PerVocab, Quantity, Scalar};
use crate::number::Param;
use crate::shape::{Prompts, Responses, Shape, Tokens, Words};
use crate::side::{Chosen, Nobody, Rejected, Sample, Side};
use crate::{kind::*, relation::*};

macro_rules! functions {
    ($( $(#[$doc:meta])* $TABLE:ident $Trait:ident { $( $from:ident = $to:ident, )* } )*) => { $(
        $(
            #[diagnostic::do_not_recommend]
            impl $Trait for $from {
                type Out = $to;
            }
        )*
        $(#[$doc])*
        pub(crate) const $TABLE: &[Mapping] = &[$( Mapping { from: KindTag::$from, to: KindTag::$to } ),*];
    )* };
}
functions! {
    /// `-x`: a minus turns what is maximised into what is minimised.
    NEGATIVE HasNegative {
        LogProb = Loss, Gain = Loss, Entropy = Loss, Loss = Gain, Kl = Gain,
        Number = Number, Prob = Prob, LogRatio = LogRatio, Ratio = Ratio, Reward = Reward, Margin = Margin, Baseline = Baseline,
        Value = Value, Return = Return, Advantage = Advantage, Weight = Weight, Spread = Spread,
    }
    /// `x.exp()`
    EXPONENTIAL HasExp { Number = Number, LogProb = Prob, LogRatio = Ratio, Margin = Ratio, Advantage = Weight, }
    /// `x.ln()`
    LOGARITHM HasLn { Number = Number, Prob = LogProb, Ratio = LogRatio, }
    /// `sigmoid(x)`
    LOGISTIC HasSigmoid { Margin = Prob, Reward = Prob, Advantage = Prob, LogRatio = Prob, }
    /// `log_sigmoid(x)`
    LOG_LOGISTIC HasLogSigmoid { Margin = LogProb, Reward = LogProb, Advantage = LogProb, LogRatio = LogProb, }
    /// `x.squared()`
    SQUARE HasSquare { Margin = Loss, Reward = Loss, Value = Loss, Advantage = Loss, LogRatio = Kl, }
    /// `x.abs()`
    SIZE HasSize { LogRatio = Kl, Margin = Margin, Weight = Weight, Reward = Reward, }
    /// `x.sqrt()`
    ROOT HasRoot { Number = Number, Weight = Weight, Spread = Spread, }
    /// `x.log_complement()`
    COMPLEMENT HasComplement { LogProb = LogProb, }
    /// `x.log_odds()`
    ODDS HasOdds { LogProb = LogRatio, }
    /// `group_std(x)`, `others_std(x)`, `batch_std(x)`
    SPREAD Spreads { Reward = Spread, Return = Spread, Advantage = Spread, Value = Spread, Margin = Spread, }
    /// `whiten(x)`
    WHITENED Whitens { Advantage = Advantage, Reward = Advantage, Return = Advantage, }
    /// `x.discounted_sum(decay)`
    DISCOUNTED Discounts { Reward = Return, Advantage = Advantage, Kl = Kl, }
    /// `choose(x, a, b)`
    SIGN HasSign { Advantage = Advantage, Margin = Margin, Reward = Reward, LogRatio = LogRatio, Weight = Weight, }
    /// `leave_one_out(x)`, `group_mean(x)`
    GROUP_MEAN Ranks { Reward = Baseline, Return = Baseline, }
    /// `log_softmax(x)` over the responses to a prompt
    DISTRIBUTION Distributes { Reward = LogProb, LogRatio = LogProb, LogProb = LogProb, }
    // Roles change no number: in a program they are all `Recast`, whose kind is given, so it does not ask these tables.
    /// `x.as_loss()`
    MINIMISED Minimised { Kl = Loss, Prob = Loss, Ratio = Loss, Margin = Loss, }
    /// `x.as_kl()`
    DIVERGENCE Diverges { LogRatio = Kl, Kl = Kl, }
    /// `x.as_reward()`
    REWARDED Rewards { LogProb = Reward, LogRatio = Reward, Weight = Reward, }
}

macro_rules! fitted {
    ($( $prediction:ident $target:ident; )*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl Fits<$prediction, $target> for Aligned {}
        )*
        /// `squared_error(prediction, target)`
        pub(crate) const FITTED: &[(KindTag, KindTag)] = &[$( (KindTag::$prediction, KindTag::$target) ),*];
    };
}
fitted! {
    Value Return;
    Value Value;
    Reward Reward;
    Margin Margin;
}

// A second target for every prediction, or rustc would infer the target and say "type mismatch".
#[diagnostic::do_not_recommend]
impl<P> Fits<P, Nobody> for Aligned {}

macro_rules! several {
    ($( $side:ident )*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl Several for $side {}
        )*
        /// Sides with several responses to one prompt.
        pub(crate) const SEVERAL: &[SideTag] = &[$( SideTag::$side ),*];
    };
}
several! { Sample }
#[diagnostic::do_not_recommend]
impl Several for Nobody {}

macro_rules! facing {
    ($( $side:ident $other:ident; )*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl Facing<$other> for $side {}
            // A second counterpart, or rustc would infer the first and say "mismatched types".
            #[diagnostic::do_not_recommend]
            impl Facing<Nobody> for $side {}
        )*
        /// The two responses of a pair, both ways round.
        pub(crate) const FACING: &[(Option<SideTag>, Option<SideTag>)] =
            &[$( (Some(SideTag::$side), Some(SideTag::$other)) ),*];
    };
}
facing! {
    Chosen Rejected;
    Rejected Chosen;
}

macro_rules! shared_by_all {
    ($( $kind:ident )*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl SharedByAll for $kind {}
        )*
        /// Kinds of which one outer value may be added to or taken from every inner one.
        pub(crate) const SHARED: &[KindTag] = &[$( KindTag::$kind ),*];
    };
}
shared_by_all! { Baseline }
#[diagnostic::do_not_recommend]
impl SharedByAll for Nobody {}

macro_rules! some_side {
    ($y:ident) => {
        Nobody
    };
}
macro_rules! shape_of {
    ($what:ident $handle:ident $(<$y:ident>)?) => {
        <<$handle<Number, $( some_side!($y), )? NoGrad> as Quantity>::Shape as Shape>::$what
    };
}
macro_rules! batched {
    ($( $shape:ident $(<$y:ident>)?; )*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl$(<$y: Side>)? Batched for $shape$(<$y>)? {
                type Mean<K: Kind, G: Gradient> = Scalar<K, G>;
            }
        )*
        /// Depths with something left to average over the batch.
        pub(crate) const BATCHED: &[Depth] = &[$( <$shape$(<some_side!($y)>)? as Shape>::DEPTH ),*];
    };
}
batched! {
    Words<Y>;
    Tokens<Y>;
    Responses<Y>;
    Prompts;
}

macro_rules! shaped {
    ($(#[$doc:meta])* $TABLE:ident $Trait:ident; $( $shape:ident $(<$y:ident>)?; )*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl$(<$y: Side>)? $Trait for $shape$(<$y>)? {}
        )*
        $(#[$doc])*
        pub(crate) const $TABLE: &[Depth] = &[$( <$shape$(<some_side!($y)>)? as Shape>::DEPTH ),*];
    };
}
shaped! {
    /// Depths whose values are put in order over the whole batch.
    ORDERED Orderly;
    Responses<Y>;
    Prompts;
}

#[diagnostic::do_not_recommend]
impl<Y: Side> Sequential for Tokens<Y> {
    type Same<K: Kind, G: Gradient> = PerToken<K, Y, G>;
}
/// Depths with a next token.
pub(crate) const SEQUENCES: &[Depth] = &[Depth::EachToken];

/// One rule for taking away the innermost axis.
pub(crate) struct Reduction {
    pub(crate) from: Depth,
    pub(crate) to: Depth,
    /// Does what is left still belong to one side?
    pub(crate) keeps_side: bool,
}
macro_rules! reduce {
    ($( $handle:ident $(<$y:ident>)? over $axis:ident => $out:ident $(<$z:ident>)?; )*) => {
        $(
            #[diagnostic::do_not_recommend]
            impl<K: Kind, $($y: Side,)? G: Gradient> Reduce<$axis> for $handle<K, $($y,)? G> {
                type Out = $out<K, $($z,)? G>;
            }
            // With one implementation alone rustc would infer the axis and say "mismatched types".
            #[diagnostic::do_not_recommend]
            impl<K: Kind, $($y: Side,)? G: Gradient> Reduce<Nobody> for $handle<K, $($y,)? G> {
                type Out = Param;
            }
        )*
        /// `x.sum(axis)`, `x.mean(axis)`
        pub(crate) const REDUCTIONS: &[Reduction] = &[$( Reduction {
            from: shape_of!(DEPTH $handle $(<$y>)?),
            to: shape_of!(DEPTH $out $(<$z>)?),
            keeps_side: shape_of!(SIDE $out $(<$z>)?).is_some(),
        } ),*];
    };
}
reduce! {
    PerVocab<Y> over Vocab => PerToken<Y>;
    PerToken<Y> over Token => PerResponse<Y>;
    PerResponse<Y> over Response => PerPrompt;
    PerPrompt over Prompt => Scalar;
}

// A single number cannot be reduced, and says so in our words: the same, twice.
#[diagnostic::do_not_recommend]
impl<K: Kind, G: Gradient> Reduce<Nobody> for Scalar<K, G> {
    type Out = Param;
}
#[diagnostic::do_not_recommend]
impl<K: Kind, G: Gradient> Reduce<(Nobody,)> for Scalar<K, G> {
    type Out = Param;
}

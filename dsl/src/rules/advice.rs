//! Combinations that are wrong in a well-known way.
//!
//! rustc gives a trait one text for all its failures. So a known mistake is a row of its own, whose need can
//! never be met: the need says what is wrong and what to write. `Out` is what was meant, so that the rest of the
//! formula is checked as if the mistake had been mended and no second error follows.

use crate::{kind::*, relation::*, shape::*, side::*};
use std::marker::PhantomData;

/// `Relation Left Right = Out, Need Trait message label note code;`. The parameter of the need is there because
/// a false bound without one is refused where it stands; the impl of [`Permits`] is not marked, since the error
/// descends through it.
macro_rules! mistakes {
    ($( $Relation:ident $l:ident $r:ident = $out:ident, $Need:ident $Trait:ident $message:literal $label:literal $note:literal $code:literal; )*) => { $(
        #[doc = $message]
        pub struct $Need<L>(PhantomData<L>);
        /// Never true.
        #[diagnostic::on_unimplemented(message = $message, label = $label, note = $note, note = $code)]
        pub trait $Trait {}
        impl<L: $Trait, G1, G2> Permits<G1, G2> for $Need<L> {}
        #[diagnostic::do_not_recommend]
        impl $Relation<$l, $r> for Aligned {
            type Out = $out;
            type Need = $Need<$l>;
        }
    )* };
}
mistakes! {
    Adds LogProb Prob = LogProb, LogAndProb AddsProb
        "a `LogProb` and a `Prob` cannot be added" "one side is a probability, the other a logarithm"
        "take `.exp()` of the log-probability or `.ln()` of the probability first" "book: errors/q04";
    Adds Prob LogProb = Prob, ProbAndLog AddsLog
        "a `Prob` and a `LogProb` cannot be added" "one side is a probability, the other a logarithm"
        "take `.exp()` of the log-probability or `.ln()` of the probability first" "book: errors/q04";
    Subtracts LogProb Prob = LogRatio, LogLessProb TakesProb
        "a `Prob` cannot be subtracted from a `LogProb`" "one side is a probability, the other a logarithm"
        "take `.exp()` of the log-probability or `.ln()` of the probability first" "book: errors/q04";
    Subtracts Loss Kl = Loss, PenaltyTaken TakesPenalty
        "a `Kl` penalty is added to a loss, not taken from it" "minus a penalty"
        "write `loss + weight * kl`" "book: errors/q09";
    Adds Loss Entropy = Loss, BonusAdded AddsBonus
        "an `Entropy` bonus is taken from a loss, not added to it" "plus a bonus"
        "write `loss - weight * entropy`" "book: errors/q09";
    Adds Gain Kl = Gain, PenaltyGained GainsPenalty
        "a `Kl` penalty is taken from a gain, not added to it" "plus a penalty"
        "write `gain - weight * kl`" "book: errors/q09";
    Adds Loss Gain = Loss, GainAdded AddsGain
        "a `Gain` is maximised and a `Loss` minimised, they cannot be added" "opposite signs"
        "write `loss - gain`" "book: errors/q09";
    Multiplies LogProb Reward = Gain, NoBaseline WeighsReward
        "a log-probability is weighed by an `Advantage`, not by a `Reward`" "no baseline has been taken off"
        "subtract a baseline first, e.g. `reward - leave_one_out(reward)`" "book: errors/q11";
}

/// The same for shapes: `Pairing Trait [left right, first second] message label note code;`.
macro_rules! wrong_ways {
    ($( $Pairing:ident $Trait:ident [$( $l:ty, $r:ty, $A:ident $B:ident; )*] $message:literal $label:literal $note:literal $code:literal; )*) => { $(
        #[doc = $message]
        pub struct $Pairing<A, B>(PhantomData<(A, B)>);
        /// Never true.
        #[diagnostic::on_unimplemented(message = $message, label = $label, note = $note, note = $code)]
        pub trait $Trait<A> {}
        impl<A, B: $Trait<A>, L, R> Legal<L, R> for $Pairing<A, B> {}
        $(
            #[diagnostic::do_not_recommend]
            impl Below<$l> for $r {
                type Shape = Prompts;
                type Pairing = $Pairing<$A, $B>;
            }
        )*
        #[diagnostic::do_not_recommend]
        impl<A, B, L: Kind, R: Kind> Subtracts<L, R> for $Pairing<A, B> {
            type Out = Margin;
            type Need = AnyGradient;
        }
    )* };
}
wrong_ways! {
    TokenByToken LinesUpWith [
        Tokens<Chosen>, Tokens<Rejected>, Chosen Rejected;
        Tokens<Rejected>, Tokens<Chosen>, Rejected Chosen;
        Words<Chosen>, Words<Rejected>, Chosen Rejected;
        Words<Rejected>, Words<Chosen>, Rejected Chosen;
    ]
        "tokens of `{A}` and tokens of `{Self}` do not line up" "two different responses, token by token"
        "reduce each side first: `.sum(Token)` (DPO) or `.mean(Token)` (SimPO)" "book: errors/q05";
    WrongWayRound ComesBefore [
        Responses<Rejected>, Responses<Chosen>, Rejected Chosen;
    ]
        "a margin is chosen minus rejected, this is `{A}` minus `{Self}`" "wrong way round"
        "write `chosen - rejected`, or `-margin` if the opposite is meant" "book: errors/q14";
}

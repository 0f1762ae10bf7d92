//! What a number means. The list is closed: a new kind is a decision about every rule.

use crate::ir::KindTag;

/// A kind of number, as a type.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a kind of quantity")]
pub trait Kind: sealed::Tagged + 'static {}

pub(crate) mod sealed {
    /// The same kind, as a value.
    pub trait Tagged {
        const TAG: super::KindTag;
    }
}

macro_rules! kinds {
    ($( $(#[$doc:meta])* $name:ident )*) => { $(
        $(#[$doc])*
        pub enum $name {}
        impl Kind for $name {}
        impl sealed::Tagged for $name {
            const TAG: KindTag = KindTag::$name;
        }
    )* };
}
kinds! {
    /// A plain number: a hyper-parameter or a literal.
    Number
    /// Logarithm of a probability.
    LogProb
    /// Probability.
    Prob
    /// Difference of two log-probabilities.
    LogRatio
    /// Quotient of two probabilities.
    Ratio
    /// What a response is worth, explicit or implicit.
    Reward
    /// By how much one response is better than the other.
    Margin
    /// What was expected anyway.
    Baseline
    /// A critic's prediction.
    Value
    /// What the critic should have predicted.
    Return
    /// Better than expected by this much. Never trained through where it multiplies.
    Advantage
    /// A constant factor: mask, sign, importance weight.
    Weight
    /// Standard deviation.
    Spread
    /// To be maximised.
    Gain
    /// To be minimised.
    Loss
    /// Entropy.
    Entropy
    /// Divergence, or an estimate of one.
    Kl
}

//! What one can do with a handle by a method.
//!
//! Written by hand, once for all levels, and provided by one trait: then a bound that fails is reported once, in
//! eight lines. From a macro, as inherent methods or with a free result type rustc says the same in up to twenty.

use crate::grad::NoGrad;
use crate::ir::Op;
use crate::kind::{Baseline, Kind, Weight};
use crate::level::{As, Quantity};
use crate::number::Limit;
use crate::relation::{
    Batched, Discounts, Diverges, HasComplement, HasExp, HasLn, HasOdds, HasRoot, HasSize, HasSquare, Minimised,
    Rewards, Sequential, Still,
};
use crate::shape::Shape;
use crate::trace::{draft, step};

/// The methods of the handles. Not implemented for `f64` and `i32`, whose own `abs` and `clamp` stay as they are.
pub trait Formula: Quantity {
    /// The exponential: of a log-probability its probability, of a log-ratio the ratio.
    #[track_caller]
    fn exp(self) -> As<Self, <Self::Kind as HasExp>::Out>
    where
        Self::Kind: HasExp,
    {
        step(Op::Exponential, &[self.handle()])
    }
    /// The natural logarithm.
    #[track_caller]
    fn ln(self) -> As<Self, <Self::Kind as HasLn>::Out>
    where
        Self::Kind: HasLn,
    {
        step(Op::Logarithm, &[self.handle()])
    }
    /// Size without sign.
    #[track_caller]
    fn abs(self) -> As<Self, <Self::Kind as HasSize>::Out>
    where
        Self::Kind: HasSize,
    {
        step(Op::Magnitude, &[self.handle()])
    }
    /// The square, to be minimised.
    #[track_caller]
    fn squared(self) -> As<Self, <Self::Kind as HasSquare>::Out>
    where
        Self::Kind: HasSquare,
    {
        step(Op::Square, &[self.handle()])
    }
    /// The square root.
    #[track_caller]
    fn sqrt(self) -> As<Self, <Self::Kind as HasRoot>::Out>
    where
        Self::Kind: HasRoot,
    {
        step(Op::Root, &[self.handle()])
    }
    /// `ln(1 - exp(x))`: of a log-probability, that of everything else. Keeps its digits for probabilities near 0 and near 1.
    #[track_caller]
    fn log_complement(self) -> As<Self, <Self::Kind as HasComplement>::Out>
    where
        Self::Kind: HasComplement,
    {
        step(Op::LogComplement, &[self.handle()])
    }
    /// `ln(p / (1 - p))` of a log-probability `ln p` (ORPO, arXiv:2403.07691, eq. 4).
    #[track_caller]
    fn log_odds(self) -> As<Self, <Self::Kind as HasOdds>::Out>
    where
        Self::Kind: HasOdds,
    {
        let others = draft(Op::LogComplement, &[self.handle()]);
        step(Op::Minus, &[self.handle(), others])
    }
    /// At each token the value of the next one; 0 at a response's last.
    #[track_caller]
    fn following(self) -> <Self::Shape as Sequential>::Same<Self::Kind, Self::Grad>
    where
        Self::Shape: Sequential,
    {
        step(Op::Following, &[self.handle()])
    }
    /// What is still to come at each token, what is further off for less: `y_t = x_t + decay * y_{t+1}`.
    #[track_caller]
    fn discounted_sum<N: Limit>(
        self,
        decay: N,
    ) -> <Self::Shape as Sequential>::Same<<Self::Kind as Discounts>::Out, Self::Grad>
    where
        Self::Kind: Discounts,
        Self::Shape: Sequential,
    {
        step(Op::DiscountedSum, &[self.handle(), decay.handle()])
    }
    /// Held between two limits; no gradient outside them.
    #[track_caller]
    fn clamp<Low: Limit, High: Limit>(self, low: Low, high: High) -> Self {
        step(Op::Clip, &[self.handle(), low.handle(), high.handle()])
    }
    /// The mean over every element of the optimizer's batch, whatever the depth: tokens, responses or prompts.
    #[track_caller]
    fn batch_mean(self) -> <Self::Shape as Batched>::Mean<Self::Kind, Self::Grad>
    where
        Self::Shape: Batched,
    {
        step(Op::AverageAll, &[self.handle()])
    }
    /// The same value as a constant: no gradient flows through it.
    #[track_caller]
    fn detach(self) -> <Self::Shape as Shape>::Of<Self::Kind, NoGrad> {
        step(Op::Constant, &[self.handle()])
    }

    /// As a constant factor.
    #[track_caller]
    fn as_weight(self) -> <Self::Shape as Shape>::Of<Weight, <Self::Grad as Still>::Out>
    where
        Self::Grad: Still,
    {
        step(Op::Recast("a constant factor".to_owned()), &[self.handle()])
    }
    /// As what was expected anyway.
    #[track_caller]
    fn as_baseline(self) -> <Self::Shape as Shape>::Of<Baseline, <Self::Grad as Still>::Out>
    where
        Self::Grad: Still,
    {
        step(Op::Recast("what was expected anyway".to_owned()), &[self.handle()])
    }
    /// To be minimised as it is.
    #[track_caller]
    fn as_loss(self) -> As<Self, <Self::Kind as Minimised>::Out>
    where
        Self::Kind: Minimised,
    {
        step(Op::Recast("minimised as it is".to_owned()), &[self.handle()])
    }
    /// A log-ratio as the plain estimate of a divergence: its mean over responses of the first policy is one.
    #[track_caller]
    fn as_kl(self) -> As<Self, <Self::Kind as Diverges>::Out>
    where
        Self::Kind: Diverges,
    {
        step(Op::Recast("its mean is the divergence".to_owned()), &[self.handle()])
    }
    /// A log-probability as a reward, without reference.
    #[track_caller]
    fn as_reward(self) -> As<Self, <Self::Kind as Rewards>::Out>
    where
        Self::Kind: Rewards,
    {
        step(Op::Recast("a reward as it is".to_owned()), &[self.handle()])
    }
    /// The same value as another kind, where no rule knows why that is right. The sentence that says why is
    /// printed with the program.
    ///
    /// # Panics
    ///
    /// If there is no sentence.
    #[track_caller]
    fn treat_as<K: Kind>(self, why: &str) -> As<Self, K> {
        assert!(!why.trim().is_empty(), "`treat_as` needs a sentence that says why this is right");
        step(Op::Recast(why.to_owned()), &[self.handle()])
    }
}

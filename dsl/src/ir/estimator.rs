//! Estimates of a divergence from samples.

/// An estimate of `KL(actor || reference)` from one token that the actor drew, made of the log-probabilities `p` and `q`
/// that the two give it.
///
/// Source: Schulman, "Approximating KL divergence" (2020), for k1, k2 and k3. Whether an estimate is right is asked
/// twice: of its value, which counts where it is a part of the reward, and of its gradient, which counts where it is a
/// part of the loss. No estimate is right in both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Estimator {
    /// `p - q`
    K1,
    /// `|p - q|`
    AbsK1,
    /// `(p - q)^2 / 2`
    K2,
    /// `exp(q - p) - 1 - (q - p)`
    K3,
}

impl Estimator {
    /// All of them.
    pub const ALL: [Estimator; 4] = [Estimator::K1, Estimator::AbsK1, Estimator::K2, Estimator::K3];

    /// As it is called.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Estimator::K1 => "k1",
            Estimator::AbsK1 => "abs_k1",
            Estimator::K2 => "k2",
            Estimator::K3 => "k3",
        }
    }

    /// Is its mean over samples of the actor `KL(actor || reference)`?
    ///
    /// k1's is by definition, and k3 adds `exp(q - p) - 1`, whose mean is zero.
    #[must_use]
    pub fn value_is_right(self) -> bool {
        match self {
            Estimator::K1 | Estimator::K3 => true,
            Estimator::AbsK1 | Estimator::K2 => false,
        }
    }

    /// Is the mean of its gradient, over samples of the actor, the gradient of `KL(actor || reference)`?
    ///
    /// That gradient is the mean of `(p - q) grad p`, which is k2's. The mean of k1's, `grad p`, is zero: it trains nothing.
    /// k3's, `(1 - exp(q - p)) grad p`, is that of the reverse divergence `KL(reference || actor)`.
    #[must_use]
    pub fn gradient_is_right(self) -> bool {
        match self {
            Estimator::K2 => true,
            Estimator::K1 | Estimator::AbsK1 | Estimator::K3 => false,
        }
    }
}

//! The five attributes of HelpSteer, and the reward made of them.

/// What an answer is worth in five respects, each from 0 to 4.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Attributes {
    /// Overall: is it right, does it stay with the question, is it a proper and courteous sentence?
    pub helpfulness: f64,
    /// Is what it claims true and complete?
    pub correctness: f64,
    /// Is it clear, grammatical English that does not repeat itself?
    pub coherence: f64,
    /// How learned are its words?
    pub complexity: f64,
    /// How long is it, against what the question asks for?
    pub verbosity: f64,
}

impl Attributes {
    /// In HelpSteer's order.
    pub const NAMES: [&str; 5] = ["helpfulness", "correctness", "coherence", "complexity", "verbosity"];

    /// What a point of each attribute adds to the reward. The first three are those of HelpSteer2's "goodness"
    /// (arXiv:2406.08673); learned words count a little for an answer and length a little against it.
    pub const WEIGHTS: [f64; 5] = [0.65, 0.80, 0.45, 0.05, -0.15];

    /// The five numbers in HelpSteer's order.
    #[must_use]
    pub fn values(&self) -> [f64; 5] {
        [self.helpfulness, self.correctness, self.coherence, self.complexity, self.verbosity]
    }

    /// The five numbers as people give them: whole.
    #[must_use]
    pub fn rounded(&self) -> [u8; 5] {
        self.values().map(|value| value.round() as u8)
    }

    /// The weighted sum of the five: from -0.6 for the longest nonsense to 7.8 for the best answer.
    #[must_use]
    pub fn reward(&self) -> f64 {
        self.values().iter().zip(Self::WEIGHTS).map(|(value, weight)| value * weight).sum()
    }
}

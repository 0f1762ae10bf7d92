//! Formulas over words that tests and benches are made with.

use super::{Region, Step};

/// The entropy of one policy.
#[must_use]
pub fn entropy() -> Region {
    Region::new(vec![Step::Policy(0), Step::Exponential(0), Step::Times(1, 0), Step::Negative(2)], vec![3])
}

/// Divergences of two policies in both directions.
#[must_use]
pub fn divergences() -> Region {
    let steps = vec![
        Step::Policy(0),
        Step::Policy(1),
        Step::Minus(0, 1),
        Step::Exponential(0),
        Step::Times(3, 2),
        Step::Exponential(1),
        Step::Times(5, 2),
    ];
    Region::new(steps, vec![4, 6])
}

/// Between a divergence in one direction and in the other, by way of the mixture of both, of which the second has a share.
#[must_use]
pub fn between(share: f32) -> Region {
    let steps = vec![
        Step::Policy(0),
        Step::Policy(1),
        Step::Mixture(0, 1, share),
        Step::Minus(0, 2),
        Step::Exponential(0),
        Step::Times(4, 3),
        Step::Minus(1, 2),
        Step::Exponential(1),
        Step::Times(7, 6),
    ];
    Region::new(steps, vec![5, 8])
}

/// A divergence over so many of the likeliest words of the first policy.
#[must_use]
pub fn likeliest(count: usize) -> Region {
    let steps = vec![
        Step::Policy(0),
        Step::Policy(1),
        Step::Top(0, count),
        Step::LogSum(0, 2),
        Step::LogSum(1, 2),
        Step::Minus(0, 3),
        Step::Minus(1, 4),
        Step::Minus(5, 6),
        Step::Exponential(5),
        Step::Times(8, 7),
        Step::Kept(2, 9),
    ];
    Region::new(steps, vec![10])
}

/// Renormalised twice, by weights that are not ones, and with numbers of the row between.
#[must_use]
pub fn levels() -> Region {
    let steps = vec![
        Step::Policy(0),
        Step::Given(0),
        Step::Number(0.5),
        Step::Exponential(0),
        // The weights of a logarithm of a sum have no gradient.
        Step::Number(1.5),
        Step::LogSum(0, 4),
        Step::Minus(0, 5),
        Step::Times(6, 1),
        Step::Number(1.0),
        Step::LogSum(7, 8),
        Step::Minus(7, 9),
        Step::Exponential(10),
        Step::Times(11, 6),
        Step::Given(1),
        Step::Over(12, 13),
        Step::Still(10),
        Step::Times(15, 11),
    ];
    Region::new(steps, vec![12, 14, 7])
}

/// Every other step there is, none of them near a corner or an end.
#[must_use]
pub fn all_sorts() -> Region {
    let steps = vec![
        Step::Policy(0),
        Step::Policy(1),
        Step::Given(0),
        Step::Plus(0, 2),
        Step::Smaller(3, 1),
        Step::Larger(0, 1),
        Step::Clip(0, -3.7, -0.6),
        Step::Negative(0),
        Step::Logarithm(7),
        Step::Magnitude(3),
        Step::Logistic(3),
        Step::LogLogistic(3),
        Step::Square(1),
        Step::Root(7),
        Step::LogComplement(0),
        Step::Minus(0, 1),
        Step::Positive(15),
        Step::Choose(15, 8, 11),
        Step::Times(16, 12),
        Step::Kept(16, 10),
        Step::Over(13, 7),
    ];
    Region::new(steps, vec![4, 5, 6, 8, 9, 10, 11, 17, 18, 13, 14, 19, 20])
}

//! From a predicted rating to the probability of each label: SteerLM 2.0, arXiv:2406.08673, section 5.2.
//!
//! A prediction `s`, from 0 to 4, is taken for the mean of a Beta distribution over `r = s / 4` with
//! `alpha = 24 r`, `beta = 24 - alpha`; the probability of a label is that of its interval.

use super::HIGHEST;

/// How sure a prediction is: `alpha + beta`.
const CONCENTRATION: f64 = 24.0;
/// A prediction is kept this far from the ends, where the distribution has no density.
const OFF_THE_ENDS: f64 = 0.01;
/// No label is impossible.
const LEAST: f64 = 1e-12;

/// Where the interval of one label ends and that of the next begins. The paper does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Edges {
    /// Half way between two labels: the label is the rounded rating.
    #[default]
    Rounded,
    /// Five intervals of one width.
    Fifths,
}

impl Edges {
    fn after(self, label: u8) -> f64 {
        let (label, highest) = (f64::from(label), f64::from(HIGHEST));
        match self {
            _ if label >= highest => 1.0,
            Edges::Rounded => (label + 0.5) / highest,
            Edges::Fifths => (label + 1.0) / (highest + 1.0),
        }
    }
}

/// `ln P(label | predicted rating)`.
#[must_use]
pub fn log_likelihood(predicted: f64, label: u8, edges: Edges) -> f64 {
    let r = (predicted / f64::from(HIGHEST)).clamp(OFF_THE_ENDS, 1.0 - OFF_THE_ENDS);
    let (a, b) = (CONCENTRATION * r, CONCENTRATION * (1.0 - r));
    let below = if label == 0 { 0.0 } else { share_below(edges.after(label - 1), a, b) };
    (share_below(edges.after(label), a, b) - below).max(LEAST).ln()
}

/// The distribution function of Beta(a, b): the regularised incomplete beta function, by its continued fraction.
fn share_below(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    // The fraction converges fast on the near side of the mean.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - share_below(1.0 - x, b, a);
    }
    let front = (a * x.ln() + b * (1.0 - x).ln() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b)).exp() / a;
    // Evaluated from its far end, where what is left out no longer matters.
    let mut rest = 1.0;
    for term in (1..=TERMS).rev() {
        let m = f64::from(term / 2);
        let numerator = if term % 2 == 0 {
            m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        } else {
            -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        };
        rest = 1.0 + numerator / rest;
    }
    front / rest
}

/// Terms of the continued fraction; a dozen are enough for these shapes.
const TERMS: u32 = 120;

/// The logarithm of the gamma function of a positive number: Stirling's series, far enough out to be exact.
fn ln_gamma(x: f64) -> f64 {
    const FAR: f64 = 12.0;
    // Gamma(x) = Gamma(x + n) / (x (x + 1) … (x + n - 1))
    let (mut y, mut product) = (x, 0.0);
    while y < FAR {
        product += y.ln();
        y += 1.0;
    }
    let inverse = 1.0 / y;
    let square = inverse * inverse;
    let series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0)));
    (y - 0.5) * y.ln() - y + 0.5 * std::f64::consts::TAU.ln() + series - product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_the_probabilities_of_their_intervals() {
        let three = |edges| [2, 3, 4].map(|label| log_likelihood(3.2, label, edges).exp());
        for (edges, right) in [(Edges::Fifths, [0.015, 0.444, 0.541]), (Edges::Rounded, [0.026, 0.795, 0.179])] {
            for (found, right) in three(edges).into_iter().zip(right) {
                assert!((found - right).abs() < 6e-4, "{edges:?}: {found} {right}");
            }
        }
    }

    #[test]
    fn the_probabilities_of_all_labels_add_up_to_one() {
        for edges in [Edges::Rounded, Edges::Fifths] {
            for tenth in -5..=50 {
                let predicted = f64::from(tenth) / 10.0;
                let sum: f64 = (0..=HIGHEST).map(|label| log_likelihood(predicted, label, edges).exp()).sum();
                assert!((sum - 1.0).abs() < 1e-9, "{predicted}: {sum}");
            }
        }
    }

    #[test]
    fn the_gamma_function_is_that_of_factorials_and_halves() {
        assert!((ln_gamma(1.0)).abs() < 1e-12 && (ln_gamma(5.0) - 24.0_f64.ln()).abs() < 1e-12);
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-12);
    }
}

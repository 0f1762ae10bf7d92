//! The standard normal distribution, far into its tails.

use super::number::log_complement;
use std::f64::consts::PI;

/// From here on the tail is a continued fraction, which a few terms exhaust; before, a series without cancellation.
const TAIL: f64 = 2.0;

/// `ln` of the density at `x`.
#[must_use]
pub fn log_normal_density(x: f64) -> f64 {
    -0.5 * x * x - 0.5 * (2.0 * PI).ln()
}

/// `ln Phi(x)`, the logarithm of the share of a standard normal distribution below `x`.
#[must_use]
pub fn log_normal_below(x: f64) -> f64 {
    if x <= -TAIL {
        log_normal_density(x) + mills_ratio(-x).ln()
    } else if x < TAIL {
        (0.5 + from_the_middle(x)).ln()
    } else {
        (-(log_normal_density(x) + mills_ratio(x).ln()).exp()).ln_1p()
    }
}

/// `ln(Phi(high) - Phi(low))`, the logarithm of the share between two numbers; NaN unless `low < high`.
#[must_use]
pub fn log_normal_between(low: f64, high: f64) -> f64 {
    if low.is_nan() || high.is_nan() || low >= high {
        return f64::NAN;
    }
    if low > 0.0 {
        // The distribution is even: the interval on the other side is as likely, and its digits are not lost to 1.
        return log_normal_between(-high, -low);
    }
    if high <= 0.0 {
        let below = log_normal_below(high);
        return below + log_complement(log_normal_below(low) - below);
    }
    if high - low < TAIL {
        return (from_the_middle(high) - from_the_middle(low)).ln();
    }
    (-(log_normal_below(low).exp() + log_normal_below(-high).exp())).ln_1p()
}

/// `Phi(x) - 1/2 = density(x) (x + x^3 / 3 + x^5 / (3 * 5) + ...)`
fn from_the_middle(x: f64) -> f64 {
    let (mut term, mut sum, mut odd) = (x, x, 1.0);
    while term.abs() > 1e-18 * sum.abs() {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    log_normal_density(x).exp() * sum
}

/// `(1 - Phi(x)) / density(x)` for `x` of at least [`TAIL`]: `1 / (x + 1 / (x + 2 / (x + 3 / (x + ...))))`, from below.
fn mills_ratio(x: f64) -> f64 {
    let mut fraction = x;
    for k in (1..=200_u32).rev() {
        fraction = x + f64::from(k) / fraction;
    }
    1.0 / fraction
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::LN_2;

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 2e-14 * expected.abs(), "{found}, expected {expected}");
    }

    #[test]
    fn the_share_below_is_that_of_the_tables() {
        // Computed with 60 digits.
        close(log_normal_below(0.0), -LN_2);
        close(log_normal_below(-1.0), -1.841_021_645_009_263_5);
        close(log_normal_below(1.0), -0.172_753_779_023_449_9);
        close(log_normal_below(-3.0), -6.607_726_221_510_35);
        close(log_normal_below(-10.0), -53.231_285_150_512_47);
        close(log_normal_below(-1e4), -50_000_010.129_278_91);
        close(log_normal_below(5.0), -2.866_516_129_637_636e-7);
        assert_eq!(log_normal_below(1e9), 0.0);
    }

    #[test]
    fn both_ways_of_computing_meet() {
        for at in [-TAIL, TAIL] {
            close(log_normal_below(at - 1e-12), log_normal_below(at + 1e-12) - 2e-12 * slope(at));
        }
    }
    fn slope(x: f64) -> f64 {
        (log_normal_density(x) - log_normal_below(x)).exp()
    }

    #[test]
    fn the_shares_of_intervals_add_up_to_one() {
        for edges in [[-1.5, -0.5, 0.5, 1.5], [3.0, 4.0, 5.0, 6.0], [-40.0, -0.1, 0.0, 9.0]] {
            let all = [&[-1e9][..], &edges, &[1e9]].concat();
            let sum: f64 = all.windows(2).map(|w| log_normal_between(w[0], w[1]).exp()).sum();
            close(sum, 1.0);
        }
        close(log_normal_between(50.0, 51.0), log_normal_between(-51.0, -50.0));
        assert!(log_normal_between(1e4, 1e4 + 1.0) < -5e7);
        assert!(log_normal_between(1.0, 1.0).is_nan() && log_normal_between(2.0, 1.0).is_nan());
    }
}

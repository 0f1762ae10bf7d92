//! Functions of one number that the standard library has not, right for every finite argument.

/// `1 / (1 + exp(-x))`
#[must_use]
pub fn logistic(x: f64) -> f64 {
    // The exponent is never positive, so nothing overflows and small results keep all their digits.
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

/// `ln(1 / (1 + exp(-x)))`
#[must_use]
pub fn log_logistic(x: f64) -> f64 {
    if x >= 0.0 { -(-x).exp().ln_1p() } else { x - x.exp().ln_1p() }
}

/// `ln(1 - exp(x))` for `x < 0`; minus infinity at 0
#[must_use]
pub fn log_complement(x: f64) -> f64 {
    // Near 0 `exp(x)` is too close to 1, far out it is lost beside the 1: each way keeps its digits on its own side.
    if x > -std::f64::consts::LN_2 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() }
}

/// `ln(sum of exp(x))` over all of `xs`; minus infinity if there are none.
#[must_use]
pub fn log_sum_exp(xs: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = xs.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + xs.map(|x| (x - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_out_the_logistic_is_still_right() {
        for x in [40.0, 750.0, 1e4, 1e300] {
            assert_eq!(log_logistic(-x), -x, "at {x}");
            assert_eq!(log_logistic(x), -(-x).exp(), "at {x}");
            assert_eq!(logistic(x) - 1.0, 0.0, "at {x}");
            assert_eq!(logistic(-x), (-x).exp(), "at {x}");
        }
        assert_eq!(logistic(0.0), 0.5);
        assert_eq!(log_logistic(0.0), -std::f64::consts::LN_2);
    }

    #[test]
    fn the_logarithm_of_what_is_left_keeps_its_digits() {
        assert_eq!(log_complement(-1e-300), 1e-300_f64.ln());
        assert_eq!(log_complement(-40.0), -(-40.0_f64).exp());
        assert_eq!(log_complement(-1e4), 0.0);
        assert_eq!(log_complement(0.0), f64::NEG_INFINITY);
        assert!((log_complement(-std::f64::consts::LN_2) + std::f64::consts::LN_2).abs() < 1e-15);
    }

    #[test]
    fn a_sum_of_exponentials_does_not_overflow() {
        assert_eq!(log_sum_exp([1e4, 1e4].into_iter()), 1e4 + std::f64::consts::LN_2);
        assert_eq!(log_sum_exp([-1e4, 1e4].into_iter()), 1e4);
        assert_eq!(log_sum_exp([-1e4, -1e4].into_iter()), -1e4 + std::f64::consts::LN_2);
        assert_eq!(log_sum_exp([].into_iter()), f64::NEG_INFINITY);
    }
}

//! Functions of one or two numbers that no device has: value and slopes at once, for the lowering too.

use super::normal::{log_normal_between, log_normal_density};
use super::number::log_complement;
use crate::ir::{Estimator, Op};

/// Value of a pointwise operation, and its derivative by each argument; `None` if it is none of these.
#[must_use]
pub fn special(op: &Op, args: &[f64]) -> Option<(f64, [f64; 2])> {
    match (op, args) {
        (Op::Root, &[x]) => Some((x.sqrt(), [0.5 / x.sqrt(), 0.0])),
        (Op::LogComplement, &[x]) => Some((log_complement(x), [1.0 / (-(-x).exp_m1()), 0.0])),
        (Op::LogInterval, &[low, high]) => {
            let value = log_normal_between(low, high);
            let slope = |edge| (log_normal_density(edge) - value).exp();
            Some((value, [-slope(low), slope(high)]))
        }
        (Op::Estimate(estimator), &[p, q]) => {
            let (value, slope) = estimate(*estimator, p - q);
            Some((value, [slope, -slope]))
        }
        _ => None,
    }
}

/// An estimate by the log-ratio of actor and reference, and its derivative.
fn estimate(estimator: Estimator, ratio: f64) -> (f64, f64) {
    match estimator {
        Estimator::K1 => (ratio, 1.0),
        Estimator::AbsK1 => (ratio.abs(), if ratio == 0.0 { 0.0 } else { ratio.signum() }),
        Estimator::K2 => (0.5 * ratio * ratio, ratio),
        // `exp(-x) - 1` without losing the digits of a small x, where most tokens are.
        Estimator::K3 => ((-ratio).exp_m1() + ratio, -(-ratio).exp_m1()),
    }
}

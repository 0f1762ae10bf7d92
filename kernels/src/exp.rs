//! The exponential function in f32, in a form that the compiler turns into vector instructions.

use crate::vector::Arithmetic;

/// Beyond this, `exp(x)` has no finite f32.
const HIGHEST: f32 = 88.722_83;
/// `exp(x)` is below the smallest normal f32 before this.
const LOWEST: f32 = -87.336_54;
/// `ln 2` in two parts; a multiple of the first by up to 128 is exact.
const LN_2: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];
/// Added and taken away again, this rounds a number below `2^22` to the nearest whole one, which then stands in its lowest bits.
const ROUND: f32 = 12_582_912.0;
/// `(exp(r) - 1 - r) / r^2` for `|r| <= ln 2 / 2`: the polynomial with the least largest relative error of `exp(r)`, 3e-9.
const SERIES: [f32; 5] = [0.499_999_94, 0.166_665_21, 0.041_668_39, 0.008_368_71, 0.001_381_461_3];

/// `exp(x)` within 2 units in the last place; 0 where it would be below the smallest normal number.
///
/// `x = n ln 2 + r`, so that `exp(x) = 2^n exp(r)` with a small `r`. Nothing branches.
#[inline(always)]
pub(crate) fn exp<A: Arithmetic>(x: f32) -> f32 {
    let shifted = A::mul_add(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = A::mul_add(-n, LN_2[1], A::mul_add(-n, LN_2[0], x));
    let mut series = SERIES[4];
    for i in (0..4).rev() {
        series = A::mul_add(series, r, SERIES[i]);
    }
    let near_one = A::mul_add(series, r * r, r) + 1.0;
    // n sits in the lowest bits of `shifted`; moved to the place of the exponent it multiplies by 2^n.
    let scaled = f32::from_bits(near_one.to_bits().wrapping_add(shifted.to_bits() << 23));
    // A comparison with NaN is false, so that NaN stays what the polynomial made of it.
    let scaled = if x > HIGHEST { f32::INFINITY } else { scaled };
    let scaled = if x < LOWEST { 0.0 } else { scaled };
    if x.is_nan() { x } else { scaled }
}

/// `exp(x)` for an `x` that cannot be far above 0, such as a score less the highest: below the smallest normal number, that number.
#[inline(always)]
pub(crate) fn exp_of_score<A: Arithmetic>(x: f32) -> f32 {
    // In this order NaN stays NaN.
    let x = if x < LOWEST { LOWEST } else { x };
    let shifted = A::mul_add(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = A::mul_add(-n, LN_2[1], A::mul_add(-n, LN_2[0], x));
    // The series in two halves, which do not wait for each other.
    let square = r * r;
    let low = A::mul_add(SERIES[1], r, SERIES[0]);
    let high = A::mul_add(SERIES[3], r, SERIES[2]);
    let series = A::mul_add(A::mul_add(SERIES[4], square, high), square, low);
    let near_one = A::mul_add(series, square, r) + 1.0;
    f32::from_bits(near_one.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(crate) fn sigmoid<A: Arithmetic>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<A>(-x))
}

#[cfg(test)]
mod tests {
    use super::{HIGHEST, LOWEST, exp, exp_of_score, sigmoid};
    use crate::vector::{Arithmetic, Fused, Split};

    /// The distance from the true value in units of the last place.
    fn off<A: Arithmetic>(x: f32) -> f64 {
        let right = f64::from(x).exp();
        let nearest = right as f32;
        let unit = f64::from(f32::from_bits(nearest.to_bits() + 1)) - f64::from(nearest);
        (f64::from(exp::<A>(x)) - right).abs() / unit
    }

    #[test]
    fn it_is_within_two_units_of_the_last_place() {
        let steps = 400_000;
        let mut worst: f64 = 0.0;
        for i in 0..=steps {
            let x = LOWEST + (88.7 - LOWEST) * (i as f32 / steps as f32);
            worst = worst.max(off::<Fused>(x)).max(off::<Split>(x));
        }
        assert!(worst < 2.0, "{worst} units");
    }

    #[test]
    fn the_ends_are_what_they_should_be() {
        assert_eq!(exp::<Fused>(0.0), 1.0);
        assert_eq!(exp::<Fused>(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp::<Fused>(-200.0), 0.0);
        assert_eq!(exp::<Fused>(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp::<Fused>(89.0), f32::INFINITY);
        assert!(exp::<Fused>(HIGHEST).is_finite());
        assert!(exp::<Fused>(f32::NAN).is_nan());
    }

    #[test]
    fn of_a_score_it_is_the_same_up_to_the_ends() {
        for i in 0..100_000 {
            let x = LOWEST + (1.0 - LOWEST) * (i as f32 / 100_000.0);
            let (ours, right) = (exp_of_score::<Fused>(x), exp::<Fused>(x));
            assert!((ours - right).abs() <= 3e-7 * right, "{x}: {ours}, {right}");
        }
        let least = exp_of_score::<Fused>(f32::NEG_INFINITY);
        assert!(least > 0.0 && least < 2.0 * f32::MIN_POSITIVE && least == exp_of_score::<Fused>(-1e30));
        assert_eq!(exp_of_score::<Fused>(0.0), 1.0);
        assert!(exp_of_score::<Fused>(f32::NAN).is_nan());
    }

    #[test]
    fn a_sigmoid_goes_from_nothing_to_one() {
        assert_eq!(sigmoid::<Fused>(-200.0), 0.0);
        assert_eq!(sigmoid::<Fused>(0.0), 0.5);
        assert_eq!(sigmoid::<Fused>(200.0), 1.0);
    }
}

//! The natural logarithm in f32, in a form that the compiler turns into vector instructions.

use crate::vector::Arithmetic;

/// `ln 2` in two parts; a multiple of the first by up to 150 is exact.
const LN_2: [f32; 2] = [0.693_145_75, 1.428_606_8e-6];
/// The bits of the root of one half: what is above it counts as near to 1.
const ROOT_OF_HALF: i32 = 0x3f35_04f3;
/// `2^23`, which makes a normal number of one below them.
const LIFT: f32 = 8_388_608.0;

/// `ln(x)` within 3 units in the last place; minus infinity of 0, and no number below.
///
/// `x = 2^n m` with `m` near to 1, and `ln m = 2 (s + s^3 / 3 + s^5 / 5 + ...)` with `s = (m - 1) / (m + 1)`. Nothing branches.
#[inline(always)]
pub(crate) fn ln<A: Arithmetic>(x: f32) -> f32 {
    let small = x < f32::MIN_POSITIVE;
    let bits = if small { x * LIFT } else { x }.to_bits() as i32;
    let n = bits.wrapping_sub(ROOT_OF_HALF) >> 23;
    let m = f32::from_bits(bits.wrapping_sub(n << 23) as u32);
    let n = n as f32 - if small { 23.0 } else { 0.0 };
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    let mut series = 1.0 / 9.0;
    for odd in [1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0] {
        series = A::mul_add(series, q, odd);
    }
    let near = A::mul_add(2.0 * s * q, series, 2.0 * s);
    let found = A::mul_add(n, LN_2[0], A::mul_add(n, LN_2[1], near));
    let found = if x == 0.0 { f32::NEG_INFINITY } else { found };
    let found = if x < 0.0 { f32::NAN } else { found };
    // An infinity is its own logarithm, and so is what is no number.
    if x < f32::INFINITY { found } else { x }
}

/// `ln(1 + u)` for `u` from 0 to 1, with the digits of a small one: the same series with `s = u / (2 + u)`, at most 1/3.
#[inline(always)]
pub(crate) fn ln_one_and<A: Arithmetic>(u: f32) -> f32 {
    let s = u / (2.0 + u);
    let q = s * s;
    let mut series = 1.0 / 15.0;
    for odd in [1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0] {
        series = A::mul_add(series, q, odd);
    }
    A::mul_add(2.0 * s * q, series, 2.0 * s)
}

#[cfg(test)]
mod tests {
    use super::{ln, ln_one_and};
    use crate::vector::{Fused, Split};

    /// The distance from the true value in units of the last place.
    fn off(ours: f32, right: f64) -> f64 {
        let nearest = right.abs() as f32;
        let unit = f64::from(f32::from_bits(nearest.to_bits() + 1)) - f64::from(nearest);
        (f64::from(ours) - right).abs() / unit
    }

    #[test]
    fn it_is_within_three_units_of_the_last_place() {
        let mut worst: f64 = 0.0;
        // Every size, and closely around 1.
        let sizes = (1..0x7f80_0000_u32).step_by(4093).map(f32::from_bits);
        let near = (0..200_000_u32).map(|i| f32::from_bits(0x3f00_0000 + i * 83)).filter(|x| *x != 1.0);
        for x in sizes.chain(near) {
            let right = f64::from(x).ln();
            worst = worst.max(off(ln::<Fused>(x), right)).max(off(ln::<Split>(x), right));
        }
        assert!(worst < 3.0, "{worst} units");
        assert_eq!(ln::<Fused>(1.0), 0.0);
    }

    #[test]
    fn the_ends_are_what_they_should_be() {
        assert_eq!(ln::<Fused>(0.0), f32::NEG_INFINITY);
        assert_eq!(ln::<Fused>(f32::INFINITY), f32::INFINITY);
        assert!(ln::<Fused>(-1.0).is_nan() && ln::<Fused>(f32::NAN).is_nan() && ln::<Fused>(-1e-40).is_nan());
    }

    #[test]
    fn one_and_a_share_keep_the_digits_of_the_share() {
        for i in 0..=100_000_u32 {
            let u = (i as f32 / 100_000.0).powi(4);
            let right = f64::from(u).ln_1p();
            for ours in [ln_one_and::<Fused>(u), ln_one_and::<Split>(u)] {
                assert!((f64::from(ours) - right).abs() <= 4e-7 * right, "{u}: {ours}, {right}");
            }
        }
    }
}

//! One body, compiled for each vector width of the machine and chosen when the program runs.
//!
//! The bodies are plain loops that the compiler turns into vector instructions: element by element, or over arrays of
//! [`LANES`] partial sums.

/// Partial sums kept side by side: two 512-bit or four 256-bit registers, enough to hide the latency of an addition.
pub(crate) const LANES: usize = 32;

/// How `a * b + c` is computed: a body is compiled once with each.
pub(crate) trait Arithmetic: Copy {
    /// `a * b + c`.
    fn mul_add(a: f32, b: f32, c: f32) -> f32;
}

/// One instruction, one rounding.
#[derive(Clone, Copy)]
pub(crate) struct Fused;

/// Two instructions, two roundings: without the instruction, the fused form would be a slow function call.
#[derive(Clone, Copy)]
pub(crate) struct Split;

impl Arithmetic for Fused {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

impl Arithmetic for Split {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

/// What the program was compiled for, without asking the machine.
#[cfg(target_arch = "aarch64")]
pub(crate) type Baseline = Fused;
#[cfg(not(target_arch = "aarch64"))]
pub(crate) type Baseline = Split;

/// Vector instructions of an x86 processor.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// Those every such processor has.
    Baseline,
    /// AVX2 with fused multiply-add.
    Middle,
    /// AVX-512.
    Wide,
}

/// The widest this processor has.
#[cfg(target_arch = "x86_64")]
pub(crate) fn width() -> Width {
    let middle = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let wide = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (middle, wide) {
        (true, true) => Width::Wide,
        (true, false) => Width::Middle,
        (false, _) => Width::Baseline,
    }
}

/// Declares a function that runs `$body::<A>` compiled for the widest vectors of the machine.
///
/// `$body` must be `#[inline(always)]`, so that it is compiled anew inside each of the versions.
macro_rules! vectorized {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $out:ty)? => $body:ident) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $ty),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                use $crate::vector::{Fused, Width};
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                fn wide($($arg: $ty),*) $(-> $out)? {
                    $body::<Fused>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn middle($($arg: $ty),*) $(-> $out)? {
                    $body::<Fused>($($arg),*)
                }
                match $crate::vector::width() {
                    // SAFETY: `width` has seen that the processor has the features this function is compiled for.
                    #[allow(unsafe_code)]
                    Width::Wide => return unsafe { wide($($arg),*) },
                    // SAFETY: as above.
                    #[allow(unsafe_code)]
                    Width::Middle => return unsafe { middle($($arg),*) },
                    Width::Baseline => {}
                }
            }
            $body::<$crate::vector::Baseline>($($arg),*)
        }
    };
}
pub(crate) use vectorized;

/// Sum of [`LANES`] partial sums, pairwise.
#[inline(always)]
pub(crate) fn sum_lanes(lanes: [f32; LANES]) -> f32 {
    let mut lanes = lanes;
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// `sum(a * b)`.
#[inline(always)]
pub(crate) fn dot<A: Arithmetic>(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (a_whole, a_rest) = a.as_chunks::<LANES>();
    let (b_whole, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_whole.iter().zip(b_whole) {
        for i in 0..LANES {
            lanes[i] = A::mul_add(a[i], b[i], lanes[i]);
        }
    }
    for (i, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        lanes[i] = A::mul_add(*a, *b, lanes[i]);
    }
    sum_lanes(lanes)
}

/// The largest, or minus infinity of none. A number that is not one is passed over.
#[inline(always)]
pub(crate) fn maximum(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (whole, rest) = values.as_chunks::<LANES>();
    for chunk in whole {
        for i in 0..LANES {
            lanes[i] = if chunk[i] > lanes[i] { chunk[i] } else { lanes[i] };
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane = if value > *lane { value } else { *lane };
    }
    lanes.into_iter().fold(f32::NEG_INFINITY, f32::max)
}

#[cfg(test)]
mod tests {
    use super::{Baseline, dot, maximum};
    use crate::check::numbers;

    #[test]
    fn a_dot_product_is_that_of_f64() {
        for length in [0, 1, 31, 32, 33, 100, 576] {
            let (a, b) = (numbers(length, 1), numbers(length, 2));
            let right: f64 = a.iter().zip(&b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            assert!((f64::from(dot::<Baseline>(&a, &b)) - right).abs() < 1e-5, "{length}");
        }
    }

    #[test]
    fn the_maximum_is_found_in_every_place() {
        for length in [1, 31, 32, 33, 70] {
            for place in 0..length {
                let mut values = vec![-3.0; length];
                values[place] = -1.5;
                assert_eq!(maximum(&values), -1.5);
            }
        }
        assert_eq!(maximum(&[]), f32::NEG_INFINITY);
    }
}

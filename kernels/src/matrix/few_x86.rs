//! A few rows times a weight with AVX2 registers: a tile of dot products at a time, so that each number that is read from
//! a row or a weight takes part in several of them.

// Counted loops over constants are what the compiler unrolls, so that all sums stay in registers.
#![allow(clippy::needless_range_loop)]

use super::few::{PARTS, Stripe};
use std::arch::x86_64::{
    __m128, __m256, __m256i, _MM_HINT_T0, _mm_add_ps, _mm_movehl_ps, _mm_movelh_ps, _mm_prefetch, _mm_storeu_ps,
    _mm_unpackhi_ps, _mm_unpacklo_ps, _mm256_castps256_ps128, _mm256_cmpgt_epi32, _mm256_extractf128_ps,
    _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_maskload_ps, _mm256_set1_epi32, _mm256_setr_epi32, _mm256_setzero_ps,
};

/// Columns of a result that are summed up together.
const QUAD: usize = 4;

/// All rows of `x` times the rows of `weight`.
#[target_feature(enable = "avx2,fma")]
pub(super) fn stripe(stripe: &Stripe<'_>, x: &[f32], weight: &[f32], inner: usize) {
    let (rows, columns) = (x.len() / inner, weight.len() / inner);
    let mut column = 0;
    // A single row needs more columns at once, or its additions wait for each other.
    while rows == 1 && column + 2 * QUAD <= columns {
        let [sums] = tile::<1, { 2 * QUAD }>(x, &weight[column * inner..], inner, true);
        let [a, b, c, d, e, f, g, h] = sums;
        stripe.store_quad(0, column, quad([a, b, c, d]));
        stripe.store_quad(0, column + QUAD, quad([e, f, g, h]));
        column += 2 * QUAD;
    }
    while column + QUAD <= columns {
        let weight = &weight[column * inner..];
        let mut row = 0;
        while row < rows {
            let x = &x[row * inner..];
            // Three rows are the most that leave registers for what is read; of four, two and two.
            row += match rows - row {
                1 => store(stripe, row, column, tile::<1, QUAD>(x, weight, inner, row == 0)),
                2 | 4 => store(stripe, row, column, tile::<2, QUAD>(x, weight, inner, row == 0)),
                _ => store(stripe, row, column, tile::<3, QUAD>(x, weight, inner, row == 0)),
            };
        }
        column += QUAD;
    }
    for column in column..columns {
        for row in 0..rows {
            let [[sum]] = tile::<1, 1>(&x[row * inner..], &weight[column * inner..], inner, false);
            stripe.store(row, column, quad([sum; QUAD])[0]);
        }
    }
}

/// Answers with how many rows there are.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn store<const R: usize>(stripe: &Stripe<'_>, row: usize, column: usize, sums: [[__m256; QUAD]; R]) -> usize {
    for r in 0..R {
        stripe.store_quad(row + r, column, quad(sums[r]));
    }
    R
}

/// The partial sums of the dot products of `R` rows of `x` and `C` of `weight`. Those of a row are the same in any company.
/// If this is the first use of these weights, the processor is asked for those that come after them.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn tile<const R: usize, const C: usize>(x: &[f32], weight: &[f32], inner: usize, first: bool) -> [[__m256; C]; R] {
    assert!(R * inner <= x.len() && C * inner <= weight.len(), "a tile outside its matrices");
    let (x, weight) = (x.as_ptr(), weight.as_ptr());
    let mut sums = [[_mm256_setzero_ps(); C]; R];
    let mut i = 0;
    // SAFETY: rows below `R` or `C`, numbers below `inner`: inside by the check above. A prefetch reads nothing.
    #[allow(unsafe_code)]
    unsafe {
        while i + PARTS <= inner {
            let mut row = [_mm256_setzero_ps(); R];
            for r in 0..R {
                row[r] = _mm256_loadu_ps(x.add(r * inner + i));
            }
            for c in 0..C {
                let w = _mm256_loadu_ps(weight.add(c * inner + i));
                for r in 0..R {
                    sums[r][c] = _mm256_fmadd_ps(row[r], w, sums[r][c]);
                }
            }
            if first {
                for c in (i / PARTS % 2..C).step_by(2) {
                    _mm_prefetch::<_MM_HINT_T0>(weight.wrapping_add((C + c) * inner + i).cast());
                }
            }
            i += PARTS;
        }
        if i < inner {
            let mask = lower(inner - i);
            for r in 0..R {
                let row = _mm256_maskload_ps(x.add(r * inner + i), mask);
                for c in 0..C {
                    let w = _mm256_maskload_ps(weight.add(c * inner + i), mask);
                    sums[r][c] = _mm256_fmadd_ps(row, w, sums[r][c]);
                }
            }
        }
    }
    sums
}

/// The sum of each of four registers: their halves first, then across.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn quad([a, b, c, d]: [__m256; QUAD]) -> [f32; QUAD] {
    let (a, b, c, d) = (halves(a), halves(b), halves(c), halves(d));
    let (ab, cd) = (_mm_unpacklo_ps(a, b), _mm_unpacklo_ps(c, d));
    let (ab_high, cd_high) = (_mm_unpackhi_ps(a, b), _mm_unpackhi_ps(c, d));
    let first = _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movelh_ps(ab_high, cd_high));
    let second = _mm_add_ps(_mm_movehl_ps(cd, ab), _mm_movehl_ps(cd_high, ab_high));
    let mut out = [0.0; QUAD];
    // SAFETY: four numbers are written where four are.
    #[allow(unsafe_code)]
    unsafe {
        _mm_storeu_ps(out.as_mut_ptr(), _mm_add_ps(first, second));
    }
    out
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn halves(sum: __m256) -> __m128 {
    _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum))
}

/// A mask for the first `count` numbers of a register.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn lower(count: usize) -> __m256i {
    _mm256_cmpgt_epi32(_mm256_set1_epi32(count as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
}

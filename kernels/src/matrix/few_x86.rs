//! A few rows times a weight with AVX2 registers: a tile of dot products at a time, so that each number that is read from
//! a row or a weight takes part in several of them.

// Counted loops over constants are what the compiler unrolls, so that all sums stay in registers.
#![allow(clippy::needless_range_loop)]

use super::few::{PARTS, Stripe, Weight};
use half::bf16;
use std::arch::x86_64::{
    __m128, __m256, __m256i, _MM_HINT_T0, _mm_add_ps, _mm_loadu_si128, _mm_movehl_ps, _mm_movelh_ps, _mm_prefetch,
    _mm_storeu_ps, _mm_unpackhi_ps, _mm_unpacklo_ps, _mm256_castps256_ps128, _mm256_castsi256_ps, _mm256_cmpgt_epi32,
    _mm256_cvtepu16_epi32, _mm256_extractf128_ps, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_maskload_ps,
    _mm256_set1_epi32, _mm256_setr_epi32, _mm256_setzero_ps, _mm256_slli_epi32,
};

/// Columns of a result that are summed up together.
const QUAD: usize = 4;
/// Rows of a tile: the most that leave registers for what is read.
const MOST_ROWS: usize = 3;

/// Bytes that memory hands over at once.
const LINE: usize = 64;

/// All rows of `x` times the rows of `weight`.
#[target_feature(enable = "avx2,fma")]
pub(super) fn stripe<W: Weight>(stripe: &Stripe<'_>, x: &[f32], weight: &[W], inner: usize) {
    let (rows, columns) = (x.len() / inner, weight.len() / inner);
    let mut column = 0;
    // A single row needs more columns at once, or its additions wait for each other.
    while rows == 1 && column + 2 * QUAD <= columns {
        let weight = &weight[column * inner..];
        let coming = Coming { from: weight.as_ptr().wrapping_add(2 * QUAD * inner).cast(), lines: 2 * QUAD };
        let [sums] = tile::<W, 1, { 2 * QUAD }>(x, weight, inner, coming);
        let [a, b, c, d, e, f, g, h] = sums;
        stripe.store_quad(0, column, quad([a, b, c, d]));
        stripe.store_quad(0, column + QUAD, quad([e, f, g, h]));
        column += 2 * QUAD;
    }
    let passes = rows.div_ceil(MOST_ROWS);
    while column + QUAD <= columns {
        let weight = &weight[column * inner..];
        let next: *const i8 = weight.as_ptr().wrapping_add(QUAD * inner).cast();
        let (mut row, mut pass, mut asked) = (0, 0, 0);
        while row < rows {
            let x = &x[row * inner..];
            // Every pass over these weights asks for a part of the next, so that memory is never idle.
            let lines = (QUAD - asked).div_ceil(passes - pass);
            let coming = Coming { from: next.wrapping_add(asked * inner * size_of::<W>()), lines };
            (pass, asked) = (pass + 1, asked + lines);
            // Of four rows, two and two.
            row += match rows - row {
                1 => store(stripe, row, column, tile::<W, 1, QUAD>(x, weight, inner, coming)),
                2 | 4 => store(stripe, row, column, tile::<W, 2, QUAD>(x, weight, inner, coming)),
                _ => store(stripe, row, column, tile::<W, MOST_ROWS, QUAD>(x, weight, inner, coming)),
            };
        }
        column += QUAD;
    }
    for column in column..columns {
        for row in 0..rows {
            let coming = Coming { from: std::ptr::null(), lines: 0 };
            let [[sum]] = tile::<W, 1, 1>(&x[row * inner..], &weight[column * inner..], inner, coming);
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

/// What the processor is asked to fetch while it computes: weights that come after these.
#[derive(Clone, Copy)]
struct Coming {
    from: *const i8,
    /// Lines for each line of a column that is read meanwhile.
    lines: usize,
}

/// The partial sums of the dot products of `R` rows of `x` and `C` of `weight`. Those of a row are the same in any company.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn tile<W: Weight, const R: usize, const C: usize>(
    x: &[f32],
    weight: &[W],
    inner: usize,
    coming: Coming,
) -> [[__m256; C]; R] {
    assert!(R * inner <= x.len() && C * inner <= weight.len(), "a tile outside its matrices");
    let (x, weight) = (x.as_ptr(), weight.as_ptr());
    let in_line = LINE / size_of::<W>();
    let mut sums = [[_mm256_setzero_ps(); C]; R];
    let (mut i, mut from) = (0, coming.from);
    // SAFETY: rows below `R` or `C`, numbers below `inner`: inside by the check above. A prefetch reads nothing.
    #[allow(unsafe_code)]
    unsafe {
        while i + PARTS <= inner {
            if i % in_line == 0 {
                for _ in 0..coming.lines {
                    _mm_prefetch::<_MM_HINT_T0>(from);
                    from = from.wrapping_add(LINE);
                }
            }
            let mut row = [_mm256_setzero_ps(); R];
            for r in 0..R {
                row[r] = _mm256_loadu_ps(x.add(r * inner + i));
            }
            for c in 0..C {
                let w = W::eight(weight.add(c * inner + i));
                for r in 0..R {
                    sums[r][c] = _mm256_fmadd_ps(row[r], w, sums[r][c]);
                }
            }
            i += PARTS;
        }
        if i < inner {
            let mask = lower(inner - i);
            for r in 0..R {
                let row = _mm256_maskload_ps(x.add(r * inner + i), mask);
                for c in 0..C {
                    let w = W::rest(std::slice::from_raw_parts(weight.add(c * inner + i), inner - i));
                    sums[r][c] = _mm256_fmadd_ps(row, w, sums[r][c]);
                }
            }
        }
    }
    sums
}

/// Weights as they are stored, eight at a time.
pub(super) trait Eight: Sized {
    /// # Safety
    /// The processor has AVX2, and eight weights can be read from here.
    #[allow(unsafe_code)]
    unsafe fn eight(from: *const Self) -> __m256;
    /// Fewer than eight, and zeros after them.
    ///
    /// # Safety
    /// The processor has AVX2.
    #[allow(unsafe_code)]
    unsafe fn rest(weights: &[Self]) -> __m256;
}

impl Eight for f32 {
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn eight(from: *const f32) -> __m256 {
        // SAFETY: the caller's promise.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn rest(weights: &[f32]) -> __m256 {
        // SAFETY: the mask leaves out what is beyond the slice.
        unsafe { _mm256_maskload_ps(weights.as_ptr(), lower(weights.len())) }
    }
}

impl Eight for bf16 {
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn eight(from: *const bf16) -> __m256 {
        // SAFETY: the caller's promise. A bf16 is the upper half of an f32.
        unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast())))) }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn rest(weights: &[bf16]) -> __m256 {
        let mut eight = [bf16::ZERO; PARTS];
        eight[..weights.len()].copy_from_slice(weights);
        // SAFETY: eight weights are there.
        unsafe { Self::eight(eight.as_ptr()) }
    }
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

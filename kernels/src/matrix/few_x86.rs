//! A few rows times a weight with AVX2 registers: a tile of dot products at a time, so that each number that is read from
//! a row or a weight takes part in several of them.

use super::few::{PARTS, Stripe};
use std::arch::x86_64::{
    __m128, __m256, _MM_HINT_T0, _mm_add_ps, _mm_movehl_ps, _mm_movelh_ps, _mm_prefetch, _mm_storeu_ps,
    _mm_unpackhi_ps, _mm_unpacklo_ps, _mm256_castps256_ps128, _mm256_extractf128_ps, _mm256_fmadd_ps, _mm256_loadu_ps,
    _mm256_setzero_ps,
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
        tile::<1, 2>(stripe, x, weight, inner, 0, column);
        column += 2 * QUAD;
    }
    while column + QUAD <= columns {
        let mut row = 0;
        while row < rows {
            // Three rows are the most that leave registers for what is read; of four, two and two.
            row += match rows - row {
                1 => tile::<1, 1>(stripe, x, weight, inner, row, column),
                2 | 4 => tile::<2, 1>(stripe, x, weight, inner, row, column),
                _ => tile::<3, 1>(stripe, x, weight, inner, row, column),
            };
        }
        column += QUAD;
    }
    for column in column..columns {
        let w = &weight[column * inner..][..inner];
        for (row, x) in x.chunks_exact(inner).enumerate() {
            let sums = quad([sum(x, w), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()]);
            stripe.store(row, column, sums[0]);
        }
    }
}

/// `R` rows times `Q` times four columns; answers with `R`.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn tile<const R: usize, const Q: usize>(
    stripe: &Stripe<'_>,
    x: &[f32],
    weight: &[f32],
    inner: usize,
    row: usize,
    column: usize,
) -> usize {
    let whole = inner / PARTS;
    let x: [&[f32]; R] = std::array::from_fn(|r| &x[(row + r) * inner..][..inner]);
    let w: [[&[f32]; QUAD]; Q] =
        std::array::from_fn(|q| std::array::from_fn(|j| &weight[(column + q * QUAD + j) * inner..][..inner]));
    let x_chunks = x.map(|x| &x.as_chunks::<PARTS>().0[..whole]);
    let w_chunks = w.map(|w| w.map(|w| &w.as_chunks::<PARTS>().0[..whole]));
    let mut sums = [[[_mm256_setzero_ps(); QUAD]; Q]; R];
    for i in 0..whole {
        let mut x = [_mm256_setzero_ps(); R];
        for r in 0..R {
            x[r] = load(&x_chunks[r][i]);
        }
        for q in 0..Q {
            for j in 0..QUAD {
                let w = &w_chunks[q][j][i];
                if row == 0 && i % 2 == 0 {
                    ask_for(w.as_ptr().wrapping_add(Q * QUAD * inner));
                }
                let w = load(w);
                for r in 0..R {
                    sums[r][q][j] = _mm256_fmadd_ps(x[r], w, sums[r][q][j]);
                }
            }
        }
    }
    if whole * PARTS < inner {
        for q in 0..Q {
            for j in 0..QUAD {
                let w = load(&padded(&w[q][j][whole * PARTS..]));
                for r in 0..R {
                    sums[r][q][j] = _mm256_fmadd_ps(load(&padded(&x[r][whole * PARTS..])), w, sums[r][q][j]);
                }
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        for (q, sums) in sums.into_iter().enumerate() {
            stripe.store_quad(row + r, column + q * QUAD, quad(sums));
        }
    }
    R
}

/// The partial sums of one dot product: the same, in the same order, as in a [`tile`].
#[target_feature(enable = "avx2,fma")]
#[inline]
fn sum(x: &[f32], w: &[f32]) -> __m256 {
    let ((x, x_rest), (w, w_rest)) = (x.as_chunks::<PARTS>(), w.as_chunks::<PARTS>());
    let mut sums = _mm256_setzero_ps();
    for (x, w) in x.iter().zip(w) {
        sums = _mm256_fmadd_ps(load(x), load(w), sums);
    }
    if !x_rest.is_empty() {
        sums = _mm256_fmadd_ps(load(&padded(x_rest)), load(&padded(w_rest)), sums);
    }
    sums
}

/// The sum of each of four registers: their halves first, then across.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn quad(sums: [__m256; QUAD]) -> [f32; QUAD] {
    let [a, b, c, d] = [halves(sums[0]), halves(sums[1]), halves(sums[2]), halves(sums[3])];
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

#[target_feature(enable = "avx2,fma")]
#[inline]
fn load(numbers: &[f32; PARTS]) -> __m256 {
    // SAFETY: eight numbers are read where eight are.
    #[allow(unsafe_code)]
    unsafe {
        _mm256_loadu_ps(numbers.as_ptr())
    }
}

/// Tells the processor that the weight at this place is read soon. It may be past the end: nothing is read here.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn ask_for(place: *const f32) {
    _mm_prefetch::<_MM_HINT_T0>(place.cast());
}

/// The last numbers of a row, and zeros.
fn padded(rest: &[f32]) -> [f32; PARTS] {
    std::array::from_fn(|i| rest.get(i).copied().unwrap_or(0.0))
}

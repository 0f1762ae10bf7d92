//! A few rows times a weight with AVX512-BF16: a tile of dot products at a time, thirty-two products for each instruction.

// Counted loops over constants are what the compiler unrolls, so that all sums stay in registers.
#![allow(clippy::needless_range_loop)]

use super::{pack_x86::Element, tile_x86::as_halves};
use crate::matrix::few::Stripe;
use half::bf16;
use std::arch::x86_64::{
    __m512, __m512i, _MM_HINT_T0, _MM_HINT_T1, _mm_prefetch, _mm512_add_ps, _mm512_castpd_ps, _mm512_castps_pd,
    _mm512_dpbf16_ps, _mm512_loadu_si512, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_shuffle_f32x4,
    _mm512_storeu_ps, _mm512_unpackhi_pd, _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpacklo_ps,
};

/// Rows of a tile.
const ROWS: usize = 4;
/// Columns of a tile.
pub(super) const COLUMNS: usize = 4;
/// Numbers in a register, which are a line of memory.
const NUMBERS: usize = 32;
const LINE: usize = 64;
/// How many bytes ahead of those that are multiplied weights are asked for.
const AHEAD: usize = 16 * 1024;

/// All rows of `x` times the rows of `weight`.
///
/// # Safety
/// The processor has what [`super::x86::available`] asks for.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
#[allow(unsafe_code)]
pub(super) unsafe fn stripe(stripe: &Stripe<'_>, x: &[bf16], weight: &[bf16], inner: usize) {
    let (rows, columns) = (x.len() / inner, weight.len() / inner);
    let passes = rows.div_ceil(ROWS);
    for column in (0..columns).step_by(COLUMNS) {
        let count = COLUMNS.min(columns - column);
        let here = &weight[column * inner..][..count * inner];
        // Every pass over these weights asks for a part of later ones, so that memory is never idle. The place may be beyond the weights:
        // asking reads nothing.
        let later = here.as_ptr().cast::<i8>().wrapping_add(AHEAD);
        let lines = COLUMNS.div_ceil(passes);
        for (pass, x) in x.chunks(ROWS * inner).enumerate() {
            let from = later.wrapping_add(pass * lines * inner.div_ceil(NUMBERS) * LINE);
            // SAFETY: the caller's promise.
            let sums = unsafe {
                match (count, lines) {
                    (COLUMNS, 1) => height::<COLUMNS, 1>(x, here, inner, from),
                    (COLUMNS, 2) => height::<COLUMNS, 2>(x, here, inner, from),
                    (COLUMNS, _) => height::<COLUMNS, COLUMNS>(x, here, inner, from),
                    (3, _) => height::<3, 0>(x, here, inner, from),
                    (2, _) => height::<2, 0>(x, here, inner, from),
                    _ => height::<1, 0>(x, here, inner, from),
                }
            };
            for c in 0..count {
                for r in 0..x.len() / inner {
                    stripe.store(pass * ROWS + r, column + c, sums[c * ROWS + r]);
                }
            }
        }
    }
}

/// The dot products of a tile: those of a column are neighbours.
///
/// # Safety
/// As above.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
#[inline]
#[allow(unsafe_code)]
unsafe fn height<const C: usize, const LINES: usize>(
    x: &[bf16],
    weight: &[bf16],
    inner: usize,
    next: *const i8,
) -> [f32; ROWS * COLUMNS] {
    // SAFETY: the caller's promise.
    unsafe {
        match x.len() / inner {
            1 => tile::<1, C, LINES>(x, weight, inner, next),
            2 => tile::<2, C, LINES>(x, weight, inner, next),
            3 => tile::<3, C, LINES>(x, weight, inner, next),
            _ => tile::<ROWS, C, LINES>(x, weight, inner, next),
        }
    }
}

/// Each dot product is summed up the same way in any company.
///
/// # Safety
/// As above.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
#[inline]
#[allow(unsafe_code)]
unsafe fn tile<const R: usize, const C: usize, const LINES: usize>(
    x: &[bf16],
    weight: &[bf16],
    inner: usize,
    mut next: *const i8,
) -> [f32; ROWS * COLUMNS] {
    assert!(R * inner <= x.len() && C * inner <= weight.len(), "a tile outside its matrices");
    let mut sums = [[_mm512_setzero_ps(); COLUMNS]; ROWS];
    let (x, weight) = (x.as_ptr(), weight.as_ptr());
    let mut i = 0;
    // SAFETY: numbers below `inner` of rows below `R` and columns below `C`: inside by the check above. A prefetch reads nothing.
    unsafe {
        while i + NUMBERS <= inner {
            for line in 0..LINES {
                let line = next.wrapping_add(line * LINE);
                // Only a single row, which waits for memory alone, is quicker with lines in the nearest cache: where there is more to do,
                // waiting for them would hold up reading what is there already.
                if R == 1 {
                    _mm_prefetch::<_MM_HINT_T0>(line);
                } else {
                    _mm_prefetch::<_MM_HINT_T1>(line);
                }
            }
            next = next.wrapping_add(LINES * LINE);
            add::<R, C>(
                &mut sums,
                |r| _mm512_loadu_si512(x.add(r * inner + i).cast()),
                |c| _mm512_loadu_si512(weight.add(c * inner + i).cast()),
            );
            i += NUMBERS;
        }
        if i < inner {
            add::<R, C>(
                &mut sums,
                |r| bf16::pairs(x.add(r * inner + i), inner - i),
                |c| bf16::pairs(weight.add(c * inner + i), inner - i),
            );
        }
    }
    let mut out = [0.0; ROWS * COLUMNS];
    // SAFETY: sixteen numbers are written where sixteen are.
    unsafe { _mm512_storeu_ps(out.as_mut_ptr(), across(sums)) };
    out
}

#[target_feature(enable = "avx512f,avx512bf16")]
#[inline]
fn add<const R: usize, const C: usize>(
    sums: &mut [[__m512; COLUMNS]; ROWS],
    row: impl Fn(usize) -> __m512i,
    column: impl Fn(usize) -> __m512i,
) {
    let mut columns = [_mm512_setzero_si512(); C];
    for c in 0..C {
        columns[c] = column(c);
    }
    for r in 0..R {
        let row = row(r);
        for c in 0..C {
            sums[r][c] = _mm512_dpbf16_ps(sums[r][c], as_halves(row), as_halves(columns[c]));
        }
    }
}

/// The sum of each register: number `r` of quarter `c` is that of `sums[r][c]`.
#[target_feature(enable = "avx512f")]
#[inline]
fn across(sums: [[__m512; COLUMNS]; ROWS]) -> __m512 {
    let mut rows = [_mm512_setzero_ps(); ROWS];
    for r in 0..ROWS {
        let [a, b, c, d] = sums[r];
        let ab = _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0xee>(a, b));
        let cd = _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(c, d), _mm512_shuffle_f32x4::<0xee>(c, d));
        rows[r] = _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(ab, cd), _mm512_shuffle_f32x4::<0xdd>(ab, cd));
    }
    let [a, b, c, d] = rows;
    let ab = _mm512_castps_pd(_mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)));
    let cd = _mm512_castps_pd(_mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d)));
    _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd)), _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd)))
}

//! A few rows times a weight with AVX-512 registers: a tile of at most sixteen dot products at a time.
//!
//! Weights come from memory once, for all rows, and one place after another. What is read is asked for long before: a part of it with every
//! step. Several rows take longer to multiply than to bring near, and lines that were asked for into the nearest cache would hold up the
//! reading of those that are there already; so they are asked for into the next one. A single row waits for memory alone, and is
//! quicker with lines in the nearest.

// Counted loops over constants are what the compiler unrolls, so that all sums stay in registers.
#![allow(clippy::needless_range_loop)]

use super::few::{Stripe, Weight};
use half::bf16;
use std::arch::x86_64::{
    __m512, _MM_HINT_T0, _MM_HINT_T1, _mm_prefetch, _mm256_loadu_si256, _mm256_maskz_loadu_epi16, _mm512_add_ps,
    _mm512_castpd_ps, _mm512_castps_pd, _mm512_castsi512_ps, _mm512_cvtepu16_epi32, _mm512_fmadd_ps, _mm512_loadu_ps,
    _mm512_maskz_loadu_ps, _mm512_setzero_ps, _mm512_shuffle_f32x4, _mm512_slli_epi32, _mm512_storeu_ps,
    _mm512_unpackhi_pd, _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpacklo_ps,
};
use std::ops::Range;

/// Rows of a tile at most.
const ROWS: usize = 8;
/// Columns of a tile of up to four rows.
const WIDE: usize = 4;
/// Columns of a tile of more.
const NARROW: usize = 2;
/// Columns whose weights are asked for while those of as many others are multiplied.
const AHEAD: usize = 8;
/// Numbers in a register.
const NUMBERS: usize = 16;
/// Sums of a tile at most.
const SUMS: usize = 16;
/// Bytes that memory hands over at once.
const LINE: usize = 64;
/// Bytes of rows that stay in the nearest cache beside the weights that pass through.
const NEAR: usize = 24 << 10;
/// Bytes of a part of rows that do not. Rows that begin a multiple of 2 KiB apart share few of the cache's places, so it is far less.
const PART: usize = 12 << 10;

/// All rows of `x` times the rows of `weight`.
///
/// # Safety
/// The processor has AVX-512 (F, BW and VL).
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,fma")]
#[allow(unsafe_code)]
pub(super) unsafe fn stripe<W: Weight>(stripe: &Stripe<'_>, x: &[f32], weight: &[W], inner: usize) {
    let (rows, columns) = (x.len() / inner, weight.len() / inner);
    let passes = rows.div_ceil(ROWS).max(1);
    let height = rows.div_ceil(passes).max(1);
    let mut waiting = [[_mm512_setzero_ps(); ROWS]; AHEAD];
    for column in (0..columns).step_by(AHEAD) {
        let count = AHEAD.min(columns - column);
        let (here, next) = weight[column * inner..].split_at(count * inner);
        let mut next = next.as_ptr().cast::<i8>();
        for (pass, x) in x.chunks(height * inner).enumerate() {
            let place = Place { stripe, row: pass * height, column };
            // SAFETY: the caller's promise.
            unsafe {
                next = match (x.len() / inner, passes) {
                    (1, _) => tiles::<W, 1, WIDE, WIDE>(&place, &mut waiting, x, here, inner, next),
                    (2, _) => tiles::<W, 2, WIDE, WIDE>(&place, &mut waiting, x, here, inner, next),
                    (3, _) => tiles::<W, 3, WIDE, WIDE>(&place, &mut waiting, x, here, inner, next),
                    (4, _) => tiles::<W, 4, WIDE, WIDE>(&place, &mut waiting, x, here, inner, next),
                    (5, 1) => tiles::<W, 5, NARROW, NARROW>(&place, &mut waiting, x, here, inner, next),
                    (6, 1) => tiles::<W, 6, NARROW, NARROW>(&place, &mut waiting, x, here, inner, next),
                    (7, 1) => tiles::<W, 7, NARROW, NARROW>(&place, &mut waiting, x, here, inner, next),
                    (_, 1) => tiles::<W, ROWS, NARROW, NARROW>(&place, &mut waiting, x, here, inner, next),
                    // Of several passes, each asks for a part.
                    (5, _) => tiles::<W, 5, NARROW, 1>(&place, &mut waiting, x, here, inner, next),
                    (6, _) => tiles::<W, 6, NARROW, 1>(&place, &mut waiting, x, here, inner, next),
                    (7, _) => tiles::<W, 7, NARROW, 1>(&place, &mut waiting, x, here, inner, next),
                    _ => tiles::<W, ROWS, NARROW, 1>(&place, &mut waiting, x, here, inner, next),
                }
            }
        }
    }
}

/// Sums of the columns that are multiplied at a time.
type Waiting = [[__m512; ROWS]; AHEAD];

/// Where some results go.
struct Place<'a> {
    stripe: &'a Stripe<'a>,
    row: usize,
    column: usize,
}

/// `R` rows of `x` times some rows of a weight, `C` at a time. For each line of one of them, `LINES / C` lines are asked for from `next`
/// on; answers with the place after those.
///
/// Rows that do not all fit in the nearest cache would be brought there again for every tile. Then all columns are multiplied by a part of
/// the inner size before the next part is looked at, and sums wait in between: to the last bit they are those of a single pass.
///
/// # Safety
/// As above.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,fma")]
#[inline]
#[allow(unsafe_code)]
unsafe fn tiles<W: Weight, const R: usize, const C: usize, const LINES: usize>(
    place: &Place<'_>,
    waiting: &mut Waiting,
    x: &[f32],
    weight: &[W],
    inner: usize,
    mut next: *const i8,
) -> *const i8 {
    let columns = weight.len() / inner;
    let whole = columns / C * C;
    let bytes = R * inner * size_of::<f32>();
    let part = if bytes <= NEAR { inner } else { inner.div_ceil(bytes.div_ceil(PART)) }.next_multiple_of(W::IN_LINE);
    // SAFETY: the caller's promise.
    unsafe {
        for start in (0..inner).step_by(part) {
            let range = start..inner.min(start + part);
            for column in (0..whole).step_by(C) {
                let mut sums = [[_mm512_setzero_ps(); C]; R];
                if start > 0 {
                    each::<R, C>(|r, c| sums[r][c] = waiting[column + c][r]);
                }
                next = add_up::<W, R, C, LINES>(&mut sums, x, &weight[column * inner..], inner, range.clone(), next);
                if range.end == inner {
                    store::<R, C>(place, column, &across_all(&sums));
                } else {
                    each::<R, C>(|r, c| waiting[column + c][r] = sums[r][c]);
                }
            }
        }
        for column in whole..columns {
            let mut sums = [[_mm512_setzero_ps(); 1]; R];
            add_up::<W, R, 1, 0>(&mut sums, x, &weight[column * inner..], inner, 0..inner, next);
            store::<R, 1>(place, column, &across_all(&sums));
        }
    }
    next
}

#[inline(always)]
fn each<const R: usize, const C: usize>(mut work: impl FnMut(usize, usize)) {
    for r in 0..R {
        for c in 0..C {
            work(r, c);
        }
    }
}

#[inline(always)]
fn store<const R: usize, const C: usize>(place: &Place<'_>, column: usize, sums: &[f32; SUMS]) {
    for r in 0..R {
        for c in 0..C {
            place.stripe.store(place.row + r, place.column + column + c, sums[sum_of(r * C + c)]);
        }
    }
}

/// Adds to the sums of the dot products of `R` rows of `x` and `C` of `weight` those of a part of the inner size, which begins with a line.
/// Each is summed up the same way in any company. Answers with the place after the lines that were asked for.
///
/// # Safety
/// As above.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,fma")]
#[inline]
#[allow(unsafe_code)]
unsafe fn add_up<W: Weight, const R: usize, const C: usize, const LINES: usize>(
    sums: &mut [[__m512; C]; R],
    x: &[f32],
    weight: &[W],
    inner: usize,
    part: Range<usize>,
    mut next: *const i8,
) -> *const i8 {
    assert!(R * inner <= x.len() && C * inner <= weight.len() && part.end <= inner, "a tile outside its matrices");
    // A pointer for each row and one offset for all.
    let rows: [*const f32; R] = std::array::from_fn(|r| x.as_ptr().wrapping_add(r * inner));
    let columns: [*const W; C] = std::array::from_fn(|c| weight.as_ptr().wrapping_add(c * inner));
    let mut i = part.start;
    // SAFETY: numbers below `inner` of rows below `R` and columns below `C`: inside by the check above. A prefetch reads nothing.
    unsafe {
        while i + W::IN_LINE <= part.end {
            for line in 0..LINES {
                let line = next.wrapping_add(line * LINE);
                if R == 1 {
                    _mm_prefetch::<_MM_HINT_T0>(line);
                } else {
                    _mm_prefetch::<_MM_HINT_T1>(line);
                }
            }
            next = next.wrapping_add(LINES * LINE);
            for step in 0..W::IN_LINE / NUMBERS {
                let i = i + step * NUMBERS;
                add(sums, |r| _mm512_loadu_ps(rows[r].add(i)), |c| W::sixteen(columns[c].add(i)));
            }
            i += W::IN_LINE;
        }
        while i < part.end {
            let mask = u16::MAX >> NUMBERS.saturating_sub(part.end - i);
            add(sums, |r| _mm512_maskz_loadu_ps(mask, rows[r].add(i)), |c| W::some_of_sixteen(columns[c].add(i), mask));
            i += NUMBERS;
        }
    }
    next
}

/// The sum of each register, in the order of [`sum_of`].
#[target_feature(enable = "avx512f")]
#[inline]
fn across_all<const R: usize, const C: usize>(sums: &[[__m512; C]; R]) -> [f32; SUMS] {
    let mut all = [_mm512_setzero_ps(); SUMS];
    for r in 0..R {
        for c in 0..C {
            all[r * C + c] = sums[r][c];
        }
    }
    let mut out = [0.0; SUMS];
    // SAFETY: sixteen numbers are written where sixteen are.
    #[allow(unsafe_code)]
    unsafe {
        _mm512_storeu_ps(out.as_mut_ptr(), across(&all));
    }
    out
}

#[target_feature(enable = "avx512f")]
#[inline]
fn add<const R: usize, const C: usize>(
    sums: &mut [[__m512; C]; R],
    row: impl Fn(usize) -> __m512,
    column: impl Fn(usize) -> __m512,
) {
    let mut columns = [_mm512_setzero_ps(); C];
    for c in 0..C {
        columns[c] = column(c);
    }
    for r in 0..R {
        let row = row(r);
        for c in 0..C {
            sums[r][c] = _mm512_fmadd_ps(row, columns[c], sums[r][c]);
        }
    }
}

/// Where [`across`] leaves the sum of a register.
#[inline(always)]
fn sum_of(register: usize) -> usize {
    register % 4 * 4 + register / 4
}

/// The sum of each of sixteen registers.
#[target_feature(enable = "avx512f")]
#[inline]
fn across(sums: &[__m512; SUMS]) -> __m512 {
    let mut rows = [_mm512_setzero_ps(); 4];
    for r in 0..4 {
        let [a, b, c, d] = [sums[4 * r], sums[4 * r + 1], sums[4 * r + 2], sums[4 * r + 3]];
        let ab = _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0xee>(a, b));
        let cd = _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(c, d), _mm512_shuffle_f32x4::<0xee>(c, d));
        rows[r] = _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(ab, cd), _mm512_shuffle_f32x4::<0xdd>(ab, cd));
    }
    let [a, b, c, d] = rows;
    let ab = _mm512_castps_pd(_mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)));
    let cd = _mm512_castps_pd(_mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d)));
    _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd)), _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd)))
}

/// Weights as they are stored, sixteen at a time.
pub(super) trait Sixteen: Sized {
    /// # Safety
    /// The processor has AVX-512, and sixteen weights can be read from here.
    #[allow(unsafe_code)]
    unsafe fn sixteen(from: *const Self) -> __m512;
    /// Those in the mask, and zeros elsewhere.
    ///
    /// # Safety
    /// The processor has AVX-512, and the weights in the mask can be read from here.
    #[allow(unsafe_code)]
    unsafe fn some_of_sixteen(from: *const Self, mask: u16) -> __m512;
}

impl Sixteen for f32 {
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn sixteen(from: *const f32) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn some_of_sixteen(from: *const f32, mask: u16) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe { _mm512_maskz_loadu_ps(mask, from) }
    }
}

impl Sixteen for bf16 {
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn sixteen(from: *const bf16) -> __m512 {
        // SAFETY: the caller's promise. A bf16 is the upper half of an f32.
        unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(_mm256_loadu_si256(from.cast())))) }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn some_of_sixteen(from: *const bf16, mask: u16) -> __m512 {
        // SAFETY: as above, and the caller's promise.
        unsafe {
            let some = _mm256_maskz_loadu_epi16(mask, from.cast());
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(some)))
        }
    }
}

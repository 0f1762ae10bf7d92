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
        let next = weight.as_ptr().wrapping_add(2 * QUAD * inner).cast();
        let [sums] = tile::<W, 1, { 2 * QUAD }, { 2 * QUAD }>(x, weight, inner, next);
        let [a, b, c, d, e, f, g, h] = sums;
        stripe.store_quad(0, column, quad([a, b, c, d]));
        stripe.store_quad(0, column + QUAD, quad([e, f, g, h]));
        column += 2 * QUAD;
    }
    let mut room = Vec::new();
    while column + QUAD <= columns {
        let (here, next) = weight[column * inner..].split_at(QUAD * inner);
        if rows <= MOST_ROWS {
            passes(stripe, column, x, here, next, inner);
        } else {
            // Read several times, weights are widened once.
            passes(stripe, column, x, W::wide_rows(here, &mut room), next, inner);
        }
        column += QUAD;
    }
    for column in column..columns {
        for row in 0..rows {
            let (x, weight) = (&x[row * inner..], &weight[column * inner..]);
            let [[sum]] = tile::<W, 1, 1, 0>(x, weight, inner, std::ptr::null());
            stripe.store(row, column, quad([sum; QUAD])[0]);
        }
    }
}

/// All rows of `x` times four rows of a weight, `here`; `next` are the weights after them, as they are stored.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn passes<H: Weight, W: Weight>(stripe: &Stripe<'_>, column: usize, x: &[f32], here: &[H], next: &[W], inner: usize) {
    let rows = x.len() / inner;
    // Every pass over these weights asks for a part of the next, so that memory is never idle: so many lines in all for each line
    // of a column that is read here.
    let mut asked = (QUAD * size_of::<W>()).div_ceil(size_of::<H>());
    let (mut row, mut left, mut from) = (0, rows.div_ceil(MOST_ROWS), next.as_ptr().cast::<i8>());
    while row < rows {
        let x = &x[row * inner..];
        let lines = asked.div_ceil(left);
        // Of four rows, two and two.
        row += match rows - row {
            1 => store(stripe, row, column, quads::<H, 1>(x, here, inner, from, lines)),
            2 | 4 => store(stripe, row, column, quads::<H, 2>(x, here, inner, from, lines)),
            _ => store(stripe, row, column, quads::<H, MOST_ROWS>(x, here, inner, from, lines)),
        };
        (asked, left) = (asked - lines, left - 1);
        from = from.wrapping_add(lines * inner * size_of::<H>());
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

/// A tile of four columns that asks for this many lines.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn quads<W: Weight, const R: usize>(
    x: &[f32],
    weight: &[W],
    inner: usize,
    next: *const i8,
    lines: usize,
) -> [[__m256; QUAD]; R] {
    match lines {
        0 => tile::<W, R, QUAD, 0>(x, weight, inner, next),
        1 => tile::<W, R, QUAD, 1>(x, weight, inner, next),
        2 => tile::<W, R, QUAD, 2>(x, weight, inner, next),
        _ => tile::<W, R, QUAD, QUAD>(x, weight, inner, next),
    }
}

/// The partial sums of the dot products of `R` rows of `x` and `C` of `weight`. Those of a row are the same in any company.
///
/// For each line of a column that is read, the processor is asked for `LINES` lines from `next` on: weights that come after these.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn tile<W: Weight, const R: usize, const C: usize, const LINES: usize>(
    x: &[f32],
    weight: &[W],
    inner: usize,
    mut next: *const i8,
) -> [[__m256; C]; R] {
    assert!(R * inner <= x.len() && C * inner <= weight.len(), "a tile outside its matrices");
    // A pointer for each row and one offset for all.
    let rows: [*const f32; R] = std::array::from_fn(|r| x.as_ptr().wrapping_add(r * inner));
    let columns: [*const W; C] = std::array::from_fn(|c| weight.as_ptr().wrapping_add(c * inner));
    let mut sums = [[_mm256_setzero_ps(); C]; R];
    let mut i = 0;
    // SAFETY: numbers below `inner` of rows below `R` and columns below `C`: inside by the check above. A prefetch reads nothing.
    #[allow(unsafe_code)]
    unsafe {
        while i + W::IN_LINE <= inner {
            for line in 0..LINES {
                _mm_prefetch::<_MM_HINT_T0>(next.wrapping_add(line * LINE));
            }
            next = next.wrapping_add(LINES * LINE);
            for part in 0..W::IN_LINE / PARTS {
                add::<W, R, C>(&mut sums, &rows, &columns, i + part * PARTS);
            }
            i += W::IN_LINE;
        }
        while i + PARTS <= inner {
            add::<W, R, C>(&mut sums, &rows, &columns, i);
            i += PARTS;
        }
        if i < inner {
            let mask = lower(inner - i);
            for r in 0..R {
                let row = _mm256_maskload_ps(rows[r].add(i), mask);
                for c in 0..C {
                    let w = W::rest(std::slice::from_raw_parts(columns[c].add(i), inner - i));
                    sums[r][c] = _mm256_fmadd_ps(row, w, sums[r][c]);
                }
            }
        }
    }
    sums
}

/// Adds the products of eight numbers of each row and column.
///
/// # Safety
/// They can be read at `i` after each pointer.
#[target_feature(enable = "avx2,fma")]
#[inline]
#[allow(unsafe_code)]
unsafe fn add<W: Weight, const R: usize, const C: usize>(
    sums: &mut [[__m256; C]; R],
    rows: &[*const f32; R],
    columns: &[*const W; C],
    i: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut row = [_mm256_setzero_ps(); R];
        for r in 0..R {
            row[r] = _mm256_loadu_ps(rows[r].add(i));
        }
        for c in 0..C {
            let w = W::eight(columns[c].add(i));
            for r in 0..R {
                sums[r][c] = _mm256_fmadd_ps(row[r], w, sums[r][c]);
            }
        }
    }
}

/// Weights as they are stored, eight at a time.
pub(super) trait Eight: Sized {
    /// How many a line of memory holds: a multiple of eight.
    const IN_LINE: usize = LINE / size_of::<Self>();

    /// Some of them in f32: themselves, or widened into the room.
    fn wide_rows<'a>(weights: &'a [Self], room: &'a mut Vec<f32>) -> &'a [f32];
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
    fn wide_rows<'a>(weights: &'a [f32], _: &'a mut Vec<f32>) -> &'a [f32] {
        weights
    }

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
    fn wide_rows<'a>(weights: &'a [bf16], room: &'a mut Vec<f32>) -> &'a [f32] {
        room.resize(weights.len(), 0.0);
        room.iter_mut().zip(weights).for_each(|(wide, w)| *wide = f32::from_bits(u32::from(w.to_bits()) << 16));
        room
    }

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

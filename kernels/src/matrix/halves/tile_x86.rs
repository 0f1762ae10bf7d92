//! One tile of a product with AVX512-BF16: the sums of fourteen rows and thirty-two columns fill twenty-eight of the thirty-two
//! registers, and each pair of the inner size takes two reads and fourteen broadcasts for twenty-eight instructions of
//! thirty-two multiply-adds.

// Counted loops over constants are what the compiler unrolls, so that all sums stay in registers.
#![allow(clippy::needless_range_loop)]

use super::Write;
use std::arch::x86_64::{
    __m512bh, __m512i, __mmask16, _mm512_add_ps, _mm512_dpbf16_ps, _mm512_loadu_si512, _mm512_mask_storeu_ps,
    _mm512_maskz_loadu_ps, _mm512_set1_epi32, _mm512_setzero_ps,
};

/// Rows of a tile.
pub(super) const ROWS: usize = 14;
/// Columns of a tile: two registers.
pub(super) const COLUMNS: usize = 32;

/// Where a tile reads and writes. A pair of bf16, neighbours in the inner size, is one number of 32 bits.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) out: *mut f32,
    /// From one row of the result to the next.
    pub(super) apart: usize,
    pub(super) write: Write,
    /// How much of the tile is in the result.
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) left: *const u32,
    /// [`COLUMNS`] pairs for each of the inner size.
    pub(super) right: *const u32,
    pub(super) pairs: usize,
}

/// Pair `k` of row `r` lies at `r * APART + k * STEP` on the left.
///
/// # Safety
/// The processor must have AVX512-BF16; a whole panel of `pairs` must be there to read on either side, and `rows` and
/// `columns` of the result, at most [`ROWS`] and [`COLUMNS`], to write.
#[target_feature(enable = "avx512f,avx512bf16")]
#[allow(unsafe_code)]
pub(super) unsafe fn tile<const APART: usize, const STEP: usize>(place: Place) {
    // SAFETY: the caller's promise.
    unsafe {
        match place.rows {
            0..=4 => sums::<APART, STEP, 4>(place),
            5..=8 => sums::<APART, STEP, 8>(place),
            _ => sums::<APART, STEP, ROWS>(place),
        }
    }
}

/// # Safety
/// As above.
#[target_feature(enable = "avx512f,avx512bf16")]
#[inline]
#[allow(unsafe_code)]
unsafe fn sums<const APART: usize, const STEP: usize, const R: usize>(place: Place) {
    let Place { out, apart, write, rows, columns, mut left, mut right, pairs } = place;
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    for _ in 0..pairs {
        // SAFETY: the caller's promise; the pointers move on by whole pairs and are not used after the last.
        unsafe {
            let low = as_halves(_mm512_loadu_si512(right.cast()));
            let high = as_halves(_mm512_loadu_si512(right.add(COLUMNS / 2).cast()));
            for r in 0..R {
                let a = as_halves(_mm512_set1_epi32((*left.add(r * APART)).cast_signed()));
                sums[r][0] = _mm512_dpbf16_ps(sums[r][0], a, low);
                sums[r][1] = _mm512_dpbf16_ps(sums[r][1], a, high);
            }
        }
        left = left.wrapping_add(STEP);
        right = right.wrapping_add(COLUMNS);
    }
    let masks = [lower(columns), lower(columns.saturating_sub(COLUMNS / 2))];
    for r in 0..R.min(rows) {
        for half in 0..2 {
            let place = out.wrapping_add(r * apart + half * COLUMNS / 2);
            // SAFETY: the caller's promise; the masks leave out what is beyond the columns.
            unsafe {
                let sum = match write {
                    Write::Set => sums[r][half],
                    Write::Add => _mm512_add_ps(sums[r][half], _mm512_maskz_loadu_ps(masks[half], place)),
                };
                _mm512_mask_storeu_ps(place, masks[half], sum);
            }
        }
    }
}

/// A mask for the first `count` numbers of a register, or all.
pub(super) fn lower(count: usize) -> __mmask16 {
    if count >= 16 { !0 } else { (1 << count) - 1 }
}

#[inline(always)]
pub(super) fn as_halves(pairs: __m512i) -> __m512bh {
    // SAFETY: both are 64 bytes of any value.
    #[allow(unsafe_code)]
    unsafe {
        std::mem::transmute::<__m512i, __m512bh>(pairs)
    }
}

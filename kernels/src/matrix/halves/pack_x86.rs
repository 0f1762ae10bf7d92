//! Operands brought together as a tile reads them: rounded to bf16, pairs of neighbours in the inner size as one number of 32 bits.

use super::{
    Matrix,
    tile_x86::{COLUMNS, lower},
};
use half::bf16;
use std::{
    arch::x86_64::{
        __m256bh, __m256i, __m512bh, __m512i, _mm256_maskz_loadu_epi16, _mm512_cvtepu16_epi32, _mm512_cvtne2ps_pbh,
        _mm512_cvtneps_pbh, _mm512_mask_storeu_epi32, _mm512_maskz_loadu_epi16, _mm512_maskz_loadu_ps, _mm512_or_si512,
        _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_slli_epi32, _mm512_storeu_si512, _mm512_unpackhi_epi32,
        _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
    },
    ops::Range,
};

/// Pairs that a register holds.
const LANES: usize = 16;

/// A number that can be read as bf16.
#[allow(unsafe_code)]
pub(super) trait Element: Copy + Sync {
    /// Up to 32 neighbours as pairs, zeros after them.
    ///
    /// # Safety
    /// The processor has what [`super::x86::available`] asks for, and `count` numbers can be read.
    unsafe fn pairs(from: *const Self, count: usize) -> __m512i;
    /// Up to 16 neighbours, each as the lower half of 32 bits; zeros after them.
    ///
    /// # Safety
    /// As above.
    unsafe fn singles(from: *const Self, count: usize) -> __m512i;
}

#[allow(unsafe_code)]
impl Element for f32 {
    #[inline(always)]
    unsafe fn pairs(from: *const f32, count: usize) -> __m512i {
        // SAFETY: the caller's promise; the masks leave out what is beyond `count`.
        unsafe {
            let low = _mm512_maskz_loadu_ps(lower(count), from);
            let high = _mm512_maskz_loadu_ps(lower(count.saturating_sub(LANES)), from.wrapping_add(LANES));
            std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(high, low))
        }
    }

    #[inline(always)]
    unsafe fn singles(from: *const f32, count: usize) -> __m512i {
        // SAFETY: as above.
        unsafe {
            let rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(lower(count), from));
            _mm512_cvtepu16_epi32(std::mem::transmute::<__m256bh, __m256i>(rounded))
        }
    }
}

#[allow(unsafe_code)]
impl Element for bf16 {
    #[inline(always)]
    unsafe fn pairs(from: *const bf16, count: usize) -> __m512i {
        let mask = if count >= 2 * LANES { !0 } else { (1_u32 << count) - 1 };
        // SAFETY: the caller's promise; the mask leaves out what is beyond `count`.
        unsafe { _mm512_maskz_loadu_epi16(mask, from.cast()) }
    }

    #[inline(always)]
    unsafe fn singles(from: *const bf16, count: usize) -> __m512i {
        // SAFETY: as above.
        unsafe { _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lower(count), from.cast())) }
    }
}

/// Some lines of an operand, rows of the left or columns of the right, and some of its inner size.
#[derive(Clone)]
pub(super) struct Lines<'a, T> {
    /// A line is a row.
    pub(super) matrix: Matrix<'a, T>,
    pub(super) lines: Range<usize>,
    pub(super) inner: Range<usize>,
}

impl<T: Element> Lines<'_, T> {
    fn check(&self) {
        let Matrix { rows, columns, row_stride, column_stride, .. } = self.matrix;
        assert!(self.lines.end <= rows && self.inner.end <= columns, "lines outside their matrix");
        assert!(row_stride == 1 || column_stride == 1, "rows or columns of an operand are neighbours");
    }

    fn at(&self, line: usize, inner: usize) -> *const T {
        self.matrix.data.as_ptr().wrapping_add(line * self.matrix.row_stride + inner * self.matrix.column_stride)
    }

    /// Lines whose numbers are neighbours, one after the other, each `apart` pairs from the one before.
    ///
    /// # Safety
    /// The processor has what [`super::x86::available`] asks for.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    #[allow(unsafe_code)]
    pub(super) unsafe fn one_after_the_other(&self, panel: &mut [u32], apart: usize) {
        self.check();
        assert_eq!(self.matrix.column_stride, 1);
        for (line, panel) in self.lines.clone().zip(panel.chunks_mut(apart)) {
            for (start, pairs) in self.inner.clone().step_by(2 * LANES).zip(panel.chunks_exact_mut(LANES)) {
                // SAFETY: the numbers are inside the matrix, and a register fits into sixteen pairs.
                unsafe {
                    let numbers = T::pairs(self.at(line, start), self.inner.end - start);
                    _mm512_storeu_si512(pairs.as_mut_ptr().cast(), numbers);
                }
            }
        }
    }

    /// Lines that are neighbours, `WIDE` to a panel: panels one after the other, each of `WIDE` pairs for every pair of the
    /// inner size.
    ///
    /// # Safety
    /// As above.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    #[allow(unsafe_code)]
    pub(super) unsafe fn side_by_side<const WIDE: usize>(&self, panels: &mut [u32]) {
        self.check();
        assert_eq!(self.matrix.row_stride, 1);
        let pairs = self.inner.len().div_ceil(2);
        assert_eq!(panels.len(), self.lines.len().div_ceil(WIDE) * WIDE * pairs, "a panel for so many lines");
        for (pair, inner) in self.inner.clone().step_by(2).enumerate() {
            for (panel, first) in panels.chunks_exact_mut(WIDE * pairs).zip(self.lines.clone().step_by(WIDE)) {
                let to = &mut panel[pair * WIDE..][..WIDE];
                for (to, line) in to.chunks_mut(LANES).zip((first..first + WIDE).step_by(LANES)) {
                    let count = self.lines.end.saturating_sub(line).min(LANES);
                    // SAFETY: the numbers are inside the matrix; of a pair beyond the inner size nothing is read, and the
                    // mask leaves out what is beyond the panel.
                    unsafe {
                        let low = T::singles(self.at(line, inner), count);
                        let high = if inner + 1 < self.inner.end {
                            T::singles(self.at(line, inner + 1), count)
                        } else {
                            _mm512_setzero_si512()
                        };
                        let both = _mm512_or_si512(low, _mm512_slli_epi32::<16>(high));
                        _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), lower(to.len()), both);
                    }
                }
            }
        }
    }

    /// Lines whose numbers are neighbours, at most [`COLUMNS`], as a panel of [`COLUMNS`] pairs for every pair of the inner size.
    ///
    /// # Safety
    /// As above.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
    #[allow(unsafe_code)]
    pub(super) unsafe fn turned(&self, panel: &mut [u32]) {
        self.check();
        assert_eq!(self.matrix.column_stride, 1);
        assert!(self.lines.len() <= COLUMNS && panel.len() == COLUMNS * self.inner.len().div_ceil(2));
        for (start, panel) in self.inner.clone().step_by(2 * LANES).zip(panel.chunks_mut(COLUMNS * LANES)) {
            for half in [0, LANES] {
                let mut registers = [_mm512_setzero_si512(); LANES];
                for (register, line) in registers.iter_mut().zip(self.lines.clone().skip(half)) {
                    // SAFETY: the numbers are inside the matrix.
                    *register = unsafe { T::pairs(self.at(line, start), self.inner.end - start) };
                }
                for (register, to) in transposed(registers).into_iter().zip(panel.chunks_exact_mut(COLUMNS)) {
                    // SAFETY: sixteen pairs are there.
                    unsafe { _mm512_storeu_si512(to[half..][..LANES].as_mut_ptr().cast(), register) };
                }
            }
        }
    }
}

/// Number `i` of register `j` becomes number `j` of register `i`.
#[target_feature(enable = "avx512f")]
#[inline]
fn transposed(rows: [__m512i; LANES]) -> [__m512i; LANES] {
    // Within quarters of registers first: groups of four rows, then quarters.
    let mut quads = [_mm512_setzero_si512(); LANES];
    for i in 0..4 {
        let [a, b, c, d] = [rows[4 * i], rows[4 * i + 1], rows[4 * i + 2], rows[4 * i + 3]];
        let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        quads[4 * i] = _mm512_unpacklo_epi64(ab_low, cd_low);
        quads[4 * i + 1] = _mm512_unpackhi_epi64(ab_low, cd_low);
        quads[4 * i + 2] = _mm512_unpacklo_epi64(ab_high, cd_high);
        quads[4 * i + 3] = _mm512_unpackhi_epi64(ab_high, cd_high);
    }
    // Register `4 i + j` now has, in quarter `q`, number `4 q + j` of rows `4 i` to `4 i + 3`.
    let mut out = [_mm512_setzero_si512(); LANES];
    for j in 0..4 {
        let [a, b, c, d] = [quads[j], quads[4 + j], quads[8 + j], quads[12 + j]];
        let (ab_even, ab_odd) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
        let (cd_even, cd_odd) = (_mm512_shuffle_i32x4::<0x88>(c, d), _mm512_shuffle_i32x4::<0xdd>(c, d));
        out[j] = _mm512_shuffle_i32x4::<0x88>(ab_even, cd_even);
        out[8 + j] = _mm512_shuffle_i32x4::<0xdd>(ab_even, cd_even);
        out[4 + j] = _mm512_shuffle_i32x4::<0x88>(ab_odd, cd_odd);
        out[12 + j] = _mm512_shuffle_i32x4::<0xdd>(ab_odd, cd_odd);
    }
    out
}

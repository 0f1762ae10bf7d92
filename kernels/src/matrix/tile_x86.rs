//! Products of operands that are near, with AVX2 registers: a tile of six rows and sixteen columns fills twelve of the sixteen
//! registers with sums, and each step of the inner size takes two reads and six broadcasts for twelve multiply-adds.

// Counted loops over constants are what the compiler unrolls, so that all sums stay in registers.
#![allow(clippy::needless_range_loop)]

use super::{
    Write,
    tile::{COLUMNS, Left, Right, Sizes},
};
use std::arch::x86_64::{
    _mm256_add_ps, _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps, _mm256_storeu_ps,
};

/// Where a tile reads and writes.
#[derive(Clone, Copy)]
struct Place {
    out: *mut f32,
    apart: usize,
    write: Write,
    left: *const f32,
    left_apart: usize,
    left_step: usize,
    right: *const f32,
    right_apart: usize,
    inner: usize,
}

/// # Safety
/// The operands must be as large as the sizes say.
#[target_feature(enable = "avx2,fma")]
#[allow(unsafe_code)]
pub(super) unsafe fn multiply(
    out: &mut [f32],
    apart: usize,
    write: Write,
    left: Left<'_>,
    right: Right<'_>,
    Sizes { rows, columns, inner }: Sizes,
) {
    for column in (0..columns).step_by(COLUMNS) {
        let mut row = 0;
        while row < rows {
            // Pointers into the operands: never read past them, by the caller's promise.
            let place = Place {
                out: out.as_mut_ptr().wrapping_add(row * apart + column),
                apart,
                write,
                left: left.data.as_ptr().wrapping_add(row * left.apart),
                left_apart: left.apart,
                left_step: left.step,
                right: right.data.as_ptr().wrapping_add(column / COLUMNS * right.panel),
                right_apart: right.apart,
                inner,
            };
            let rest = rows - row;
            // Seven to eleven rows in two tiles of nearly the same height: a low one waits for its own additions.
            let height = if rest <= 6 {
                rest
            } else if rest < 12 {
                rest.div_ceil(2)
            } else {
                6
            };
            // SAFETY: `height` rows from here are inside, by the caller's promise.
            unsafe {
                match height {
                    1 => tile::<1>(place),
                    2 => tile::<2>(place),
                    3 => tile::<3>(place),
                    4 => tile::<4>(place),
                    5 => tile::<5>(place),
                    _ => tile::<6>(place),
                }
            }
            row += height;
        }
    }
}

/// # Safety
/// `R` rows from each pointer must be inside their slices.
#[target_feature(enable = "avx2,fma")]
#[inline]
#[allow(unsafe_code)]
unsafe fn tile<const R: usize>(place: Place) {
    let Place { out, apart, write, left, left_apart, left_step, mut right, right_apart, inner } = place;
    // A pointer for each row and one offset for all: rows found by adding up would wait for each other.
    let rows: [*const f32; R] = std::array::from_fn(|r| left.wrapping_add(r * left_apart));
    let mut offset = 0;
    let mut sums = [[_mm256_setzero_ps(); 2]; R];
    for _ in 0..inner {
        // SAFETY: the caller's promise; pointer and offset move on by whole steps, and are not used after the last.
        unsafe {
            let low = _mm256_loadu_ps(right);
            let high = _mm256_loadu_ps(right.add(COLUMNS / 2));
            for r in 0..R {
                let a = _mm256_broadcast_ss(&*rows[r].add(offset));
                sums[r][0] = _mm256_fmadd_ps(a, low, sums[r][0]);
                sums[r][1] = _mm256_fmadd_ps(a, high, sums[r][1]);
            }
        }
        offset += left_step;
        right = right.wrapping_add(right_apart);
    }
    for r in 0..R {
        for half in 0..2 {
            // SAFETY: the caller's promise.
            unsafe {
                let place = out.add(r * apart + half * COLUMNS / 2);
                let sum = match write {
                    Write::Set => sums[r][half],
                    Write::Add => _mm256_add_ps(sums[r][half], _mm256_loadu_ps(place)),
                };
                _mm256_storeu_ps(place, sum);
            }
        }
    }
}

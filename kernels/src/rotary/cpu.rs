use crate::{
    task,
    vector::{Arithmetic, vectorized},
};
use rayon::prelude::*;

/// Cosine and sine of every angle a model can need.
#[derive(Clone, Debug)]
pub struct Angles {
    half: usize,
    /// `[positions, half]`.
    cos: Vec<f32>,
    sin: Vec<f32>,
}

impl Angles {
    /// For positions `0..positions`.
    ///
    /// The angle itself is rounded to f32, as the models of this family were trained: at a late position that moves it
    /// by more than the rounding of its sine.
    #[must_use]
    pub fn new(frequencies: &[f64], positions: usize) -> Self {
        let half = frequencies.len();
        let (sin, cos) = (0..positions * half)
            .map(|i| {
                let (sin, cos) = f64::from((i / half) as f32 * frequencies[i % half] as f32).sin_cos();
                (sin as f32, cos as f32)
            })
            .unzip();
        Angles { half, cos, sin }
    }

    /// How many positions it has angles for.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.cos.len() / self.half
    }

    /// Numbers in half a head, and the tables of cosines and sines, of `[positions, half]`.
    pub(crate) fn tables(&self) -> (usize, &[f32], &[f32]) {
        (self.half, &self.cos, &self.sin)
    }
}

/// Turns the first `heads` heads of each row of `width` numbers, by the row's position.
///
/// # Panics
/// If the shapes do not fit or a position has no angle.
pub fn turn(x: &mut [f32], width: usize, heads: usize, angles: &Angles, positions: &[u32]) {
    both_ways(x, width, heads, angles, positions, 1.0);
}

/// Turns back: the gradient of [`turn`].
///
/// # Panics
/// As [`turn`].
pub fn turn_back(x: &mut [f32], width: usize, heads: usize, angles: &Angles, positions: &[u32]) {
    both_ways(x, width, heads, angles, positions, -1.0);
}

fn both_ways(x: &mut [f32], width: usize, heads: usize, angles: &Angles, positions: &[u32], sign: f32) {
    assert_eq!(x.len(), positions.len() * width, "one position for each row");
    assert!(heads * 2 * angles.half <= width, "more heads than a row holds");
    let rows = task::rows(width);
    x.par_chunks_mut(rows * width)
        .zip(positions.par_chunks(rows))
        .for_each(|(x, positions)| turn_rows(x, width, heads, angles, positions, sign));
}

vectorized! {
    fn turn_rows(x: &mut [f32], width: usize, heads: usize, angles: &Angles, positions: &[u32], sign: f32) => turn_body
}

#[inline(always)]
fn turn_body<A: Arithmetic>(x: &mut [f32], width: usize, heads: usize, angles: &Angles, positions: &[u32], sign: f32) {
    let half = angles.half;
    for (row, &position) in x.chunks_exact_mut(width).zip(positions) {
        let place = position as usize * half;
        let (cos, sin) = (&angles.cos[place..place + half], &angles.sin[place..place + half]);
        for head in row[..heads * 2 * half].chunks_exact_mut(2 * half) {
            let (first, second) = head.split_at_mut(half);
            for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
                let sin = sign * sin;
                (*a, *b) = (A::mul_add(-*b, sin, *a * cos), A::mul_add(*a, sin, *b * cos));
            }
        }
    }
}

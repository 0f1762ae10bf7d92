//! Root-mean-square normalisation of rows: `y = w * x * r` with `r = 1 / sqrt(mean(x^2) + epsilon)`.
//!
//! Backward, with `n = x r` and `g = w * dy`:
//!
//! - `dx = r (g - n mean(g n))`,
//! - `dw = sum over rows of dy * n`.
//!
//! The forward pass keeps `r`, one number a row; [`apply`] makes `y` again from it where that is cheaper than keeping `y`.

mod cpu;
mod reference;

pub(crate) use cpu::row;
pub use cpu::{apply, backward, forward};
pub use reference::forward as forward_reference;

#[cfg(test)]
mod tests {
    use super::{apply, backward, forward, forward_reference};
    use crate::check::{assert_close, numbers, slope, wide};

    const EPSILON: f64 = 1e-5;
    const SHAPES: [(usize, usize); 5] = [(1, 1), (3, 7), (5, 64), (700, 40), (2, 577)];

    #[test]
    fn forward_is_the_definition() {
        for (rows, width) in SHAPES {
            let (x, w) = (numbers(rows * width, 1), numbers(width, 2));
            let (mut y, mut again, mut inverse) = (vec![0.0; x.len()], vec![0.0; x.len()], vec![0.0; rows]);
            forward(&mut y, &mut inverse, &x, &w, EPSILON as f32);
            assert_close("y", &y, &forward_reference(&wide(&x), &wide(&w), EPSILON), 1e-5);
            apply(&mut again, &x, &inverse, &w);
            assert_eq!(again, y);
        }
    }

    #[test]
    fn backward_is_the_slope_and_is_added() {
        for (rows, width) in [(1, 1), (3, 7), (5, 33)] {
            let (x, w) = (numbers(rows * width, 1), numbers(width, 2));
            let upstream = numbers(rows * width, 3);
            let mut inverse = vec![0.0; rows];
            forward(&mut vec![0.0; x.len()], &mut inverse, &x, &w, EPSILON as f32);
            let (mut dx, mut dw) = (vec![1.0; x.len()], vec![2.0; width]);
            backward(&mut dx, &mut dw, &upstream, &x, &inverse, &w);
            let by_x = slope(&x, &upstream, |x| forward_reference(x, &wide(&w), EPSILON));
            let by_w = slope(&w, &upstream, |w| forward_reference(&wide(&x), w, EPSILON));
            assert_close("dx", &dx, &by_x.iter().map(|d| d + 1.0).collect::<Vec<_>>(), 1e-4);
            assert_close("dw", &dw, &by_w.iter().map(|d| d + 2.0).collect::<Vec<_>>(), 1e-4);
        }
    }

    #[test]
    fn the_gradient_of_the_weight_does_not_change_from_run_to_run() {
        let (rows, width) = (3000, 64);
        let (x, w, upstream) = (numbers(rows * width, 1), numbers(width, 2), numbers(rows * width, 3));
        let mut inverse = vec![0.0; rows];
        forward(&mut vec![0.0; x.len()], &mut inverse, &x, &w, EPSILON as f32);
        let run = || {
            let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; width]);
            backward(&mut dx, &mut dw, &upstream, &x, &inverse, &w);
            (dx, dw)
        };
        let first = run();
        (0..4).for_each(|_| assert_eq!(run(), first));
    }
}

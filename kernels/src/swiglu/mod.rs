//! The gated unit: `y = silu(gate) * up` with `silu(g) = g sigmoid(g)`.
//!
//! Gate and up are the two halves of a row, as one product with the two weights laid one after another gives them.
//! Backward, with `s = sigmoid(gate)`:
//!
//! - `d gate = dy * up * s (1 + gate (1 - s))`,
//! - `d up = dy * gate s`.

mod cpu;
mod reference;

pub use cpu::{backward, forward};
pub use reference::forward as forward_reference;

#[cfg(test)]
mod tests {
    use super::{backward, forward, forward_reference};
    use crate::check::{assert_close, numbers, slope, wide};

    fn gate_up(rows: usize, width: usize) -> Vec<f32> {
        numbers(rows * 2 * width, 1).into_iter().map(|x| 6.0 * x).collect()
    }

    #[test]
    fn forward_is_the_definition() {
        for (rows, width) in [(1, 1), (3, 7), (5, 64), (300, 100)] {
            let x = gate_up(rows, width);
            let mut y = vec![0.0; rows * width];
            forward(&mut y, &x, width);
            assert_close("y", &y, &forward_reference(&wide(&x), width), 1e-6);
        }
    }

    #[test]
    fn backward_is_the_slope_and_makes_the_output_again() {
        let (rows, width) = (3, 37);
        let (x, upstream) = (gate_up(rows, width), numbers(rows * width, 2));
        let mut y = vec![0.0; rows * width];
        forward(&mut y, &x, width);
        let right = slope(&x, &upstream, |x| forward_reference(x, width));
        let (mut gradient, mut again) = (x, upstream);
        backward(&mut gradient, &mut again, width);
        assert_close("gradient", &gradient, &right, 1e-5);
        assert_close("output", &again, &wide(&y), 1e-6);
    }
}

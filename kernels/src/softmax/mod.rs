//! Weights of a choice: `w[i] = exp((z[i] - max z) / temperature)`, and their sum.
//!
//! `ln p(i) = (z[i] - max z) / temperature - ln sum`.

mod cpu;
mod reference;

pub use cpu::weights;
pub use reference::weights as weights_reference;

#[cfg(test)]
mod tests {
    use super::{weights, weights_reference};
    use crate::check::{assert_close, numbers, wide};

    #[test]
    fn weights_are_the_definition() {
        for (length, temperature) in [(1, 1.0), (31, 0.5), (5000, 2.0)] {
            let scores: Vec<f32> = numbers(length, 1).into_iter().map(|z| 100.0 + 10.0 * z).collect();
            let mut ours = vec![0.0; length];
            let sum = weights(&mut ours, &scores, temperature);
            let right = weights_reference(&wide(&scores), f64::from(temperature));
            assert_close("weights", &ours, &right, 1e-5);
            let right_sum: f64 = right.iter().sum();
            assert!((f64::from(sum) - right_sum).abs() < 1e-5 * right_sum);
        }
    }
}

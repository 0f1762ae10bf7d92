//! Adam with decoupled weight decay (Loshchilov and Hutter, arXiv:1711.05101), as PyTorch computes it.
//!
//! With the gradient `g` times a factor (that of clipping), at step `t` from 1:
//!
//! - `w -= rate decay w`,
//! - `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`,
//! - `w -= rate / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + epsilon)`.

mod cpu;
mod reference;

pub(crate) use cpu::Factors;
pub use cpu::update;
pub use reference::update as update_reference;

/// The numbers of one step.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AdamW {
    /// Learning rate.
    pub rate: f64,
    /// How much of the mean of gradients is kept.
    pub beta1: f64,
    /// How much of the mean of squared gradients is kept.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub epsilon: f64,
    /// Decoupled weight decay.
    pub decay: f64,
    /// Which step this is, from 1.
    pub step: u64,
    /// Every gradient is multiplied by this first.
    pub factor: f64,
}

#[cfg(test)]
mod tests {
    use super::{AdamW, update, update_reference};
    use crate::check::{assert_close, numbers, wide};

    #[test]
    fn ten_steps_are_those_of_f64() {
        let length = 40_000;
        let mut w = numbers(length, 1);
        let (mut m, mut v) = (vec![0.0; length], vec![0.0; length]);
        let (mut right_w, mut right_m, mut right_v) = (wide(&w), wide(&m), wide(&v));
        for step in 1..=10 {
            let g = numbers(length, 10 + step);
            let adam = AdamW { rate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.1, step, factor: 0.5 };
            update(&mut w, &g, &mut m, &mut v, adam);
            update_reference(&mut right_w, &wide(&g), &mut right_m, &mut right_v, adam);
        }
        assert_close("weights", &w, &right_w, 1e-5);
        assert_close("first", &m, &right_m, 1e-6);
        assert_close("second", &v, &right_v, 1e-6);
    }

    #[test]
    fn the_first_step_goes_by_the_rate() {
        let (mut w, mut m, mut v) = (vec![1.0, 1.0], vec![0.0; 2], vec![0.0; 2]);
        let adam = AdamW { rate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.0, step: 1, factor: 1.0 };
        update(&mut w, &[3.0, -0.01], &mut m, &mut v, adam);
        assert_close("weights", &w, &[0.9, 1.1], 1e-5);
    }
}

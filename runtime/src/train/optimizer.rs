//! AdamW as PyTorch computes it, and the gradient's length.

use crate::model::{TensorSpec, Weights};
use collimate_kernels::{adamw, magnitude};

const BETAS: (f64, f64) = (0.9, 0.999);
const EPSILON: f64 = 1e-8;
/// Added to the length when a gradient is shortened, as `torch.nn.utils.clip_grad_norm_` does.
const CLIP_EPSILON: f64 = 1e-6;

/// Adam with decoupled weight decay (arXiv:1711.05101).
#[derive(Clone, PartialEq, Debug)]
pub struct AdamW {
    /// Updates so far.
    pub updates: u64,
    /// Running mean of the gradient, one for each weight.
    pub first: Vec<f32>,
    /// Running mean of the squared gradient, one for each weight.
    pub second: Vec<f32>,
}

/// What one update depends on besides the gradient.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Update {
    /// The learning rate.
    pub lr: f64,
    /// By how much weights shrink, times the learning rate.
    pub weight_decay: f64,
    /// Multiplied into the gradient first.
    pub scale: f64,
}

impl AdamW {
    /// Before any update.
    #[must_use]
    pub fn new(weights: usize) -> Self {
        AdamW { updates: 0, first: vec![0.0; weights], second: vec![0.0; weights] }
    }

    /// One update of all weights that are trained.
    pub fn update(&mut self, weights: &mut Weights, gradient: &[f32], update: Update) {
        self.updates += 1;
        let start = weights.trained().start;
        let first = weights.tensors.len() - weights.trained_tensors().len();
        for spec in &weights.tensors[first..] {
            let (of_weights, here) = (spec.range.clone(), spec.after(start));
            let numbers = self.numbers(spec, update);
            let (first, second) = (&mut self.first[here.clone()], &mut self.second[here.clone()]);
            adamw::update(&mut weights.data[of_weights], &gradient[here], first, second, numbers);
        }
    }

    /// The numbers of the update that is counted already, for one tensor.
    pub(crate) fn numbers(&self, spec: &TensorSpec, update: Update) -> adamw::AdamW {
        adamw::AdamW {
            rate: update.lr,
            beta1: BETAS.0,
            beta2: BETAS.1,
            epsilon: EPSILON,
            decay: if decays(spec) { update.weight_decay } else { 0.0 },
            step: self.updates,
            factor: update.scale,
        }
    }
}

/// Norms and biases are vectors; everything else is a table or a projection, and decays.
fn decays(spec: &TensorSpec) -> bool {
    spec.shape.len() > 1
}

/// The Euclidean length of a gradient.
#[must_use]
pub fn length(gradient: &[f32]) -> f64 {
    magnitude::sum_of_squares(gradient).sqrt()
}

/// By what a gradient of this length is multiplied so that it is not longer than `most`; 0 leaves it alone.
#[must_use]
pub fn shortened(length: f64, most: f64) -> f64 {
    if most > 0.0 { (most / (length + CLIP_EPSILON)).min(1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table of four numbers that decay, then a vector of two that do not.
    fn weights() -> Weights {
        let mut weights = Weights::zeros(crate::train::small::config());
        let spec =
            |name: &str, shape: &[usize], range| TensorSpec { name: name.to_owned(), shape: shape.to_vec(), range };
        weights.tensors = vec![spec("table", &[2, 2], 0..4), spec("norm", &[2], 4..6)];
        weights.data = vec![0.5, -0.25, 1.0, 2.0, 1.0, -1.0];
        weights
    }

    #[test]
    fn clipped_updates_are_those_of_torch() {
        // torch 2: clip_grad_norm_(…, 1.0), then AdamW(lr=0.01) with weight_decay 0.1 for the table only.
        let wanted = [
            (
                7.238_093_85,
                [0.489_500_016, -0.239_750_013, 0.989_000_022, 1.988_000_035, 0.990_000_010, -0.990_000_010],
            ),
            (
                2.278_705_84,
                [0.495_712_310, -0.232_809_693, 0.978_421_569, 1.976_136_804, 0.980_133_116, -0.990_811_586],
            ),
            (
                2.126_029_25,
                [0.500_394_821, -0.238_810_360, 0.973_560_274, 1.966_118_693, 0.982_047_975, -0.992_649_674],
            ),
        ];
        let gradients =
            [[0.1, -0.2, 0.3, 4.0, 0.5, -6.0], [-0.3, 0.0, 0.2, 1.0, 0.25, 2.0], [1e-4, 2.0, -0.1, 0.1, -0.5, 0.5]];
        let mut weights = weights();
        let mut optimizer = AdamW::new(6);
        for ((norm, expected), gradient) in wanted.into_iter().zip(gradients) {
            let found = length(&gradient);
            assert!((found - norm).abs() < 1e-6, "{found} {norm}");
            let update = Update { lr: 0.01, weight_decay: 0.1, scale: shortened(found, 1.0) };
            optimizer.update(&mut weights, &gradient, update);
            for (w, e) in weights.data.iter().zip(expected) {
                assert!((f64::from(*w) - e).abs() < 3e-7, "{:?} {expected:?}", weights.data);
            }
        }
    }

    #[test]
    fn a_short_gradient_and_a_limit_of_0_leave_the_gradient_alone() {
        assert_eq!((shortened(0.5, 1.0), shortened(100.0, 0.0)), (1.0, 1.0));
    }
}

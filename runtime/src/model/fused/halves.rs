//! Weights in bf16. Those that are trained stay f32 and are rounded as they are read; to draw with, a copy is less to read.

use crate::model::Weights;
use collimate_kernels::{
    memory::prefer_large_pages,
    stored::{bf16, narrow},
};
use half::vec::HalfBitsVecExt;

/// A copy of weights in bf16, each the nearest: half the memory to read.
pub(crate) fn rounded(weights: &Weights) -> Vec<bf16> {
    // Zeros that the system gives, which nobody writes: all threads that round touch the memory first.
    let mut halves: Vec<bf16> = vec![0_u16; weights.data.len()].reinterpret_into();
    prefer_large_pages(&mut halves);
    narrow(&mut halves, &weights.data);
    halves
}

#[cfg(test)]
mod tests {
    use super::super::{
        FusedEngine, FusedOptions,
        tests::{batch, configs, groups, weights},
    };
    use crate::model::{Engine, Parameters, Sequences, Weights, reference};
    use collimate_kernels::stored::bf16;
    use dfdx::prelude::{Backward, PutTape, SumTo};
    use std::sync::Arc;

    fn in_halves(parameters: &Arc<Parameters>, options: FusedOptions) -> FusedEngine {
        FusedEngine::with(Arc::clone(parameters), FusedOptions { halves: true, ..options })
    }

    /// What bf16 makes of these weights, in f32.
    fn exact(weights: &Weights) -> Weights {
        let mut rounded = weights.clone();
        rounded.data.iter_mut().for_each(|w| *w = bf16::from_f32(*w).to_f32());
        rounded
    }

    /// Log-probabilities, and the gradient of the sum of their squares.
    fn learn(engine: &FusedEngine, parameters: &Parameters, batch: &Sequences) -> (Vec<f32>, Vec<f32>) {
        parameters.gradient.lock().unwrap().fill(0.0);
        let live = engine.forward(batch).unwrap();
        let logp = live.logp.as_vec();
        live.logp.put_tape(live.tape).square().sum().backward();
        (logp, parameters.gradient.lock().unwrap().clone())
    }

    /// By how much of the length of `right` the two differ.
    fn apart(ours: &[f32], right: &[f32]) -> f64 {
        let length = |x: &mut dyn Iterator<Item = f32>| x.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        length(&mut ours.iter().zip(right).map(|(a, b)| a - b)) / length(&mut right.iter().copied())
    }

    #[test]
    fn products_in_halves_give_the_results_and_gradients_of_f32_but_for_what_rounding_allows() {
        for config in configs() {
            let whole = Arc::new(Parameters::new(weights(config.clone())));
            let right = Arc::new(Parameters::new(exact(&whole.weights.read().unwrap())));
            let (ours, theirs) = (
                in_halves(&whole, FusedOptions::default()),
                FusedEngine::with(Arc::clone(&right), FusedOptions::default()),
            );
            for batch in [batch(), groups()] {
                let ((logp, gradient), expected) = (learn(&ours, &whole, &batch), learn(&theirs, &right, &batch));
                let (forward, backward) = (apart(&logp, &expected.0), apart(&gradient, &expected.1));
                // A number keeps eight bits before each of some twenty products; nothing would be exact by accident.
                assert!(forward > 1e-6 && forward < 2e-2, "log-probabilities {forward:e} apart");
                assert!(backward > 1e-6 && backward < 4e-2, "gradients {backward:e} apart");
                let words = apart(&ours.score_words(&batch).unwrap(), &theirs.score_words(&batch).unwrap());
                assert!(words > 1e-6 && words < 2e-2, "words {words:e} apart");
            }
        }
    }

    #[test]
    fn in_halves_too_switches_change_no_more_than_rounding_and_runs_nothing() {
        for config in configs() {
            let parameters = Arc::new(Parameters::new(weights(config)));
            let run = |share_prompts, recompute, batch: &Sequences| {
                let options = FusedOptions { share_prompts, recompute, ..FusedOptions::default() };
                learn(&in_halves(&parameters, options), &parameters, batch)
            };
            for batch in [batch(), groups()] {
                let right = run(true, false, &batch);
                assert_eq!(right, run(true, false, &batch));
                assert_eq!(right, run(true, true, &batch));
                let alone = run(false, false, &batch);
                // Sums in another order may round to another neighbour.
                assert!(apart(&alone.0, &right.0) < 2e-2 && apart(&alone.1, &right.1) < 4e-2);
            }
        }
    }

    #[test]
    fn rounding_moves_a_log_probability_by_what_bf16_allows() {
        for config in configs() {
            let weights = weights(config);
            let right = reference::score(&weights, &batch());
            let engine = in_halves(&Arc::new(Parameters::frozen(weights)), FusedOptions::default());
            for (ours, right) in engine.score(&batch()).unwrap().into_iter().zip(right) {
                // Eight bits each, through two layers.
                assert!((f64::from(ours) - right).abs() < 5e-2 * right.abs().max(1.0), "{ours} {right}");
            }
        }
    }

    #[test]
    fn results_follow_the_weights_and_small_changes_are_not_lost() {
        let parameters = Arc::new(Parameters::new(weights(configs()[0].clone())));
        let engine = in_halves(&parameters, FusedOptions::default());
        let before = engine.score(&batch()).unwrap();
        // Each change is less than bf16 can show: added to halves, all of them would be lost.
        for _ in 0..64 {
            parameters.change(|weights| weights.data.iter_mut().for_each(|w| *w *= 1.001));
        }
        let after = engine.score(&batch()).unwrap();
        assert_ne!(before, after);
        let right = Arc::new(Parameters::frozen(exact(&parameters.weights.read().unwrap())));
        assert_eq!(after, in_halves(&right, FusedOptions::default()).score(&batch()).unwrap());
    }
}

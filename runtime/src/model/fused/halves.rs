//! A copy of the weights in bf16, which follows the ones that are trained.

use super::cpu::Held;
use crate::model::{Parameters, Weights};
use collimate_kernels::stored::{bf16, narrow};
use std::sync::{Mutex, PoisonError};

/// The copy.
#[derive(Debug, Default)]
pub(super) struct Halves {
    copy: Mutex<Rounded>,
}

#[derive(Debug, Default)]
struct Rounded {
    /// Of which version of the parameters' weights; none at first.
    version: Option<u64>,
    numbers: Vec<bf16>,
}

/// Works with the weights of these parameters: with their copy in bf16, if there is one, or as they are.
pub(super) fn with<T>(
    halves: Option<&Halves>,
    parameters: &Parameters,
    weights: &Weights,
    work: impl FnOnce(&Held) -> T,
) -> T {
    let Some(halves) = halves else { return work(&weights.data) };
    let mut copy = halves.copy.lock().unwrap_or_else(PoisonError::into_inner);
    let version = parameters.version();
    if copy.version != Some(version) {
        // Of what is not trained, a copy stays right.
        let from = if copy.version.is_some() { weights.trained().start } else { 0 };
        copy.numbers.resize(weights.data.len(), bf16::ZERO);
        narrow(&mut copy.numbers[from..], &weights.data[from..]);
        copy.version = Some(version);
    }
    work(&copy.numbers)
}

/// Weights in bf16, each the nearest.
pub(crate) fn rounded(weights: &Weights) -> Vec<bf16> {
    let mut halves = vec![bf16::ZERO; weights.data.len()];
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

    #[test]
    fn weights_in_halves_are_the_rounded_weights_to_the_last_bit() {
        for config in configs() {
            for (share_prompts, recompute) in [(true, false), (false, false), (true, true)] {
                let options = FusedOptions { share_prompts, recompute, ..FusedOptions::default() };
                let whole = Arc::new(Parameters::new(weights(config.clone())));
                let right = Arc::new(Parameters::new(exact(&whole.weights.read().unwrap())));
                let (ours, theirs) = (in_halves(&whole, options), FusedEngine::with(Arc::clone(&right), options));
                for batch in [batch(), groups()] {
                    assert_eq!(learn(&ours, &whole, &batch), learn(&theirs, &right, &batch));
                    assert_eq!(ours.score(&batch).unwrap(), theirs.score(&batch).unwrap());
                    assert_eq!(ours.score_words(&batch).unwrap(), theirs.score_words(&batch).unwrap());
                }
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
    fn the_copy_follows_the_weights_and_small_changes_are_not_lost() {
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
        assert_eq!(after, FusedEngine::new(right).score(&batch()).unwrap());
    }
}

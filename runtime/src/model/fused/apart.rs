//! All layers on a whole batch, and the head on some of its scored tokens at a time.

use super::{
    FusedEngine,
    backend::Backend,
    cpu::CpuBackend,
    decoder::{self, Decoder},
    plan::Plan,
    pool::Buffer,
    within_pool,
};
use crate::model::{HeadApart, Live, Parameters, Sequences, Trunk};
use crate::{Error, Result, bridge};
use dfdx::prelude::Cpu;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// A batch on its way through the decoder.
struct Pass {
    decoder: Arc<Decoder<CpuBackend>>,
    parameters: Arc<Parameters>,
    device: Cpu,
    trunk: decoder::Trunk<Buffer>,
    rows: Arc<Rows>,
}

/// The rows of its scored tokens, between the layers and the head.
struct Rows {
    plan: Plan,
    /// After the last norm.
    normed: Buffer,
    /// The gradient by them; zeros where no head has gone back.
    d_normed: Mutex<Buffer>,
}

impl HeadApart<Cpu> for FusedEngine {
    fn room(&self) -> usize {
        self.options.kept / self.decoder.table().out
    }

    fn trunk(&self, batch: &Sequences) -> Result<Box<dyn Trunk<Cpu>>> {
        self.trainable()?;
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        weights.check_words()?;
        let plan = Plan::new(batch, &weights.config, self.options.share_prompts)?;
        let (decoder, recompute) = (&self.decoder, self.options.recompute);
        let (trunk, normed) = within_pool(|| decoder.trunk(&weights.data, &plan, recompute));
        let d_normed = Mutex::new(decoder.backend.zeros(normed.len()));
        Ok(Box::new(Pass {
            decoder: Arc::clone(decoder),
            parameters: Arc::clone(&self.parameters),
            device: self.device.clone(),
            trunk,
            rows: Arc::new(Rows { plan, normed, d_normed }),
        }))
    }
}

impl Trunk<Cpu> for Pass {
    fn head(&self, tokens: Range<usize>) -> Result<Live<Cpu>> {
        let rows = Arc::clone(&self.rows);
        let (decoder, parameters) = (Arc::clone(&self.decoder), Arc::clone(&self.parameters));
        let (logp, head) = {
            let weights = parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
            within_pool(|| decoder.head(&weights.data, &rows.plan.some(tokens.clone()), &rows.normed))
        };
        bridge::node(&self.device, logp.to_vec(), move |upstream| {
            let weights = parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
            let mut gradient = parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner);
            let mut d_normed = rows.d_normed.lock().unwrap_or_else(PoisonError::into_inner);
            let (gradient, d_normed) = (gradient.as_mut_slice(), &mut d_normed[..]);
            let scored = rows.plan.some(tokens);
            within_pool(|| {
                decoder.head_backward(&weights.data, gradient, &scored, &rows.normed, head, &upstream, d_normed);
            });
        })
    }

    fn go_back(self: Box<Self>) -> Result<()> {
        let Pass { decoder, parameters, trunk, rows, .. } = *self;
        let early = || Error::Numeric("the layers go back after the heads, and one is still on a tape".to_owned());
        let Rows { plan, d_normed, .. } = Arc::into_inner(rows).ok_or_else(early)?;
        let d_normed = d_normed.into_inner().unwrap_or_else(PoisonError::into_inner);
        let weights = parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        let mut gradient = parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner);
        let gradient = gradient.as_mut_slice();
        within_pool(|| decoder.trunk_backward(&weights.data, gradient, &plan, trunk, d_normed));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::FusedOptions;
    use super::super::tests::{configs, groups, weights};
    use super::*;
    use crate::model::{Engine, LowRank, Weights};

    /// One number for each scored token, none like another.
    fn upstream() -> Vec<f32> {
        (0..groups().scored()).map(|i| (i as f32 * 1.7).sin()).collect()
    }

    type Learned = (Vec<f32>, Vec<f32>);

    fn engine(weights: &Weights, options: FusedOptions) -> (FusedEngine, Arc<Parameters>) {
        let parameters = Arc::new(Parameters::new(weights.clone()));
        (FusedEngine::with(Arc::clone(&parameters), options), parameters)
    }

    fn at_once(weights: &Weights, options: FusedOptions) -> Learned {
        let (engine, parameters) = engine(weights, options);
        let live = engine.forward(&groups()).unwrap();
        let logp = live.logp.as_vec();
        bridge::backward_from(&Cpu::default(), live, upstream()).unwrap();
        (logp, parameters.gradient.lock().unwrap().clone())
    }

    /// So many tokens at a time.
    fn one_after_another(engine: &FusedEngine, count: usize) -> Vec<f32> {
        let (mut logp, upstream) = (Vec::new(), upstream());
        let trunk = engine.trunk(&groups()).unwrap();
        for start in (0..upstream.len()).step_by(count) {
            let tokens = start..(start + count).min(upstream.len());
            let live = trunk.head(tokens.clone()).unwrap();
            logp.extend(live.logp.as_vec());
            bridge::backward_from(&Cpu::default(), live, upstream[tokens].to_vec()).unwrap();
        }
        trunk.go_back().unwrap();
        logp
    }

    fn apart(weights: &Weights, options: FusedOptions, count: usize) -> Learned {
        let (engine, parameters) = engine(weights, options);
        let logp = one_after_another(&engine, count);
        (logp, parameters.gradient.lock().unwrap().clone())
    }

    fn close(ours: &[f32], right: &[f32], tolerance: f32) {
        let largest = right.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        assert!(ours.len() == right.len() && largest > 0.1, "{} numbers up to {largest}", right.len());
        for (i, (ours, right)) in ours.iter().zip(right).enumerate() {
            assert!((ours - right).abs() <= tolerance * largest, "{i}: {ours} where {right} is right");
        }
    }

    /// With narrow matrices beside, which alone are trained.
    fn narrow(weights: Weights) -> Weights {
        let mut weights = weights.with_low_rank(LowRank { rank: 2, alpha: 8.0 }, 5).unwrap();
        let trained = weights.trained();
        weights.data[trained].iter_mut().enumerate().for_each(|(i, w)| *w = 0.3 * (i as f32).sin());
        weights
    }

    /// With every option, and with scores kept for all tokens of a part, for some and for none.
    fn all_options() -> impl Iterator<Item = FusedOptions> {
        (0..24).map(|i| FusedOptions {
            share_prompts: i & 1 != 0,
            recompute: i & 2 != 0,
            halves: i & 4 != 0,
            kept: [usize::MAX, 40, 0][i / 8],
            ..FusedOptions::default()
        })
    }

    #[test]
    fn parts_of_a_batch_are_the_batch() {
        for config in configs() {
            let weights = weights(config);
            for weights in [narrow(weights.clone()), weights] {
                for options in all_options() {
                    let (logp, gradient) = at_once(&weights, options);
                    // To the last bit where all are one part: it is the same work.
                    assert_eq!(apart(&weights, options, logp.len()), (logp.clone(), gradient.clone()), "{options:?}");
                    for count in [1, 4, 7] {
                        let ours = apart(&weights, options, count);
                        close(&ours.0, &logp, 1e-6);
                        close(&ours.1, &gradient, if options.halves { 1e-2 } else { 1e-5 });
                        assert_eq!(apart(&weights, options, count), ours, "the same on every run");
                    }
                }
            }
        }
    }

    #[test]
    fn there_is_room_for_the_tokens_whose_scores_are_kept() {
        let weights = weights(configs()[0].clone());
        for (kept, room) in [(0, 0), (10, 0), (11, 1), (120, 10)] {
            assert_eq!(engine(&weights, FusedOptions { kept, ..FusedOptions::default() }).0.room(), room);
        }
    }

    #[test]
    fn after_the_first_batch_no_buffer_is_made() {
        let (engine, _) = engine(&weights(configs()[0].clone()), FusedOptions { kept: 40, ..FusedOptions::default() });
        let made = |count| {
            one_after_another(&engine, count);
            engine.decoder.backend.buffers_made()
        };
        let first = made(5);
        assert!(first > 10);
        assert_eq!([made(5), made(3), made(4)], [first; 3]);
    }

    #[test]
    fn what_no_head_goes_back_from_has_no_gradient() {
        let (engine, parameters) = engine(&weights(configs()[0].clone()), FusedOptions::default());
        let trunk = engine.trunk(&groups()).unwrap();
        drop(trunk.head(0..3).unwrap());
        trunk.go_back().unwrap();
        assert!(parameters.gradient.lock().unwrap().iter().all(|g| *g == 0.0));
    }

    #[test]
    fn the_layers_do_not_go_back_before_the_heads() {
        let weights = weights(configs()[0].clone());
        let engine = engine(&weights, FusedOptions::default()).0;
        let trunk = engine.trunk(&groups()).unwrap();
        let live = trunk.head(0..3).unwrap();
        let problem = trunk.go_back().unwrap_err().to_string();
        assert!(problem.contains("one is still on a tape"), "{problem}");
        drop(live);
        let frozen = FusedEngine::new(Arc::new(Parameters::frozen(weights.clone())));
        assert!(frozen.trunk(&groups()).err().unwrap().to_string().contains("frozen"));
        let values = FusedEngine::new(Arc::new(Parameters::new(weights.with_head(&["score"], 1))));
        assert!(values.trunk(&groups()).err().unwrap().to_string().contains("gives values"));
    }
}

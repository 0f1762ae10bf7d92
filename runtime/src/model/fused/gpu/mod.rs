//! The fused engine on a GPU: the same decoder over the kernels of `kernels/src/cuda`.
//!
//! Weights and their gradient lie in the GPU's memory. The weights come from [`Parameters`] whenever these have changed. The
//! gradient goes there in [`Engine::collect`]; or the engine trains in place, and both stay until they are settled.

mod backend;
mod decode;
mod known;
mod place;
mod states;
#[cfg(test)]
mod tests;

use super::{FusedOptions, decoder::Decoder, plan::Plan};
use crate::{
    Error, Result, bridge,
    model::{Engine, GivesStates, Live, ModelConfig, Parameters, Sequences, TrainsInPlace, ValuesAt, Weights},
};
use backend::GpuBackend;
use collimate_kernels::cuda::{Element, Numbers, Stream, attention::WIDEST};
pub use decode::GpuSampler;
use dfdx::prelude::{Device, Gradients};
pub(super) use states::{GpuStates, go_back, sums};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A decoder over the kernels of a GPU, whose log-probabilities go to a device of dfdx.
#[derive(Debug)]
pub struct GpuEngine<D> {
    parameters: Arc<Parameters>,
    decoder: Arc<Decoder<GpuBackend>>,
    device: D,
    stream: Stream,
    options: FusedOptions,
    kept: Arc<Mutex<Kept>>,
    in_place: bool,
    /// Does it leave out what is trained?
    bare: bool,
}

/// What lies in the GPU's memory from batch to batch.
#[derive(Debug)]
struct Kept {
    /// Of which version of the parameters' weights; none at first.
    version: Option<u64>,
    weights: Numbers,
    /// The same in f32, to be updated, if they are stored more coarsely.
    master: Option<Numbers>,
    /// None if they are frozen.
    gradient: Option<Numbers>,
    /// Running means of the gradient and of its square; none before the first update in place.
    means: Option<[Numbers; 2]>,
    /// Are the parameters behind?
    ahead: bool,
}

/// Can the kernels take the model's heads?
fn narrow_enough(weights: &Weights) -> Result<()> {
    let width = weights.config.head_dim;
    if width > WIDEST {
        let problem = format!(
            "attention heads of {width} numbers: on a GPU the fused engine takes up to {WIDEST}; add --engine graph"
        );
        return Err(Error::Setting(problem));
    }
    Ok(())
}

/// Did all go well on a GPU?
fn checked(stream: &Stream) -> Result<()> {
    let hint = "a smaller --micro-batch or --recompute needs less memory";
    stream.check().map_err(|problem| Error::Setting(format!("the GPU: {problem} ({hint})")))
}

/// Says that there is no gradient.
fn frozen() -> Error {
    let problem = "these weights are frozen: score with them, or make them with Parameters::new to train them";
    Error::Setting(problem.to_owned())
}

impl<D> GpuEngine<D> {
    /// An engine on these weights; `element` is how they and the states of rows are stored.
    ///
    /// # Errors
    /// If the model's heads are too wide, or its weights do not fit in the GPU's memory.
    pub fn new(
        parameters: Arc<Parameters>,
        device: D,
        stream: Stream,
        element: Element,
        options: FusedOptions,
    ) -> Result<Self> {
        let (decoder, kept) = {
            let weights = parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
            narrow_enough(&weights)?;
            let backend = |shape| GpuBackend::new(shape, stream.clone(), element, options.replay);
            let decoder = Arc::new(Decoder::new(&weights, backend));
            let frozen = parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
            let (length, trained) = (weights.data.len(), weights.trained().len());
            let gradient = (!frozen).then(|| stream.zeros(Element::F32, trained));
            let master = (!frozen && element != Element::F32).then(|| stream.numbers(Element::F32, trained));
            let weights = stream.numbers(element, length);
            let kept = Kept { version: None, weights, master, gradient, means: None, ahead: false };
            (decoder, Arc::new(Mutex::new(kept)))
        };
        let engine = GpuEngine { parameters, decoder, device, stream, options, kept, in_place: false, bare: false };
        engine.check()?;
        Ok(engine)
    }

    /// The same as one that trains in place.
    #[must_use]
    pub fn training_in_place(self) -> Self {
        GpuEngine { in_place: true, ..self }
    }

    /// Did all go well on the GPU?
    fn check(&self) -> Result<()> {
        checked(&self.stream)
    }

    /// The weights as the parameters have them now.
    fn kept(&self, weights: &Weights) -> MutexGuard<'_, Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let version = self.parameters.version();
        if kept.version != Some(version) {
            self.stream.replace(kept.weights.view_mut(), &weights.data);
            if let Some(master) = &mut kept.master {
                self.stream.replace(master.view_mut(), &weights.data[weights.trained()]);
            }
            kept.version = Some(version);
        }
        kept
    }

    /// Numbers for a batch, of which nothing is kept.
    fn ask(
        &self,
        plan: impl FnOnce(&ModelConfig) -> Result<Plan>,
        ask: impl FnOnce(&Decoder<GpuBackend>, &Numbers, &Plan) -> Vec<f32>,
    ) -> Result<Vec<f32>> {
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        let plan = plan(&weights.config)?;
        let kept = self.kept(&weights);
        let mut numbers = ask(&self.decoder, &kept.weights, &plan);
        self.check()?;
        numbers.truncate(plan.asked * of_each(&plan, &numbers));
        Ok(numbers)
    }
}

/// How many numbers are given for each row asked for.
fn of_each(plan: &Plan, numbers: &[f32]) -> usize {
    numbers.len().checked_div(plan.rows.len()).unwrap_or(0)
}

/// The backward pass of a decoder: from its trace and the gradient of its result to the gradient of the weights.
type Backward<T> = fn(&Decoder<GpuBackend>, &Numbers, &mut Numbers, &Plan, T, Vec<f32>);

impl<D: Device<f32>> GpuEngine<D> {
    /// Numbers for a batch, on dfdx's tape.
    fn trace<T: 'static>(
        &self,
        plan: impl FnOnce(&ModelConfig) -> Result<Plan>,
        forward: impl FnOnce(&Decoder<GpuBackend>, &Numbers, &Plan) -> (Vec<f32>, T),
        backward: Backward<T>,
    ) -> Result<Live<D>> {
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        let plan = plan(&weights.config)?;
        let kept = self.kept(&weights);
        if self.bare || kept.gradient.is_none() {
            return Err(frozen());
        }
        let (mut numbers, trace) = forward(&self.decoder, &kept.weights, &plan);
        self.check()?;
        let whole = numbers.len();
        numbers.truncate(plan.asked * of_each(&plan, &numbers));
        let (decoder, kept) = (Arc::clone(&self.decoder), Arc::clone(&self.kept));
        bridge::node(&self.device, numbers, move |mut upstream| {
            upstream.resize(whole, 0.0);
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            let Kept { weights, gradient: Some(gradient), .. } = &mut *kept else { return };
            // What fails is told when the gradient is collected.
            backward(&decoder, weights, gradient, &plan, trace, upstream);
        })
    }
}

impl<D: Device<f32>> Engine<D> for GpuEngine<D> {
    fn score(&self, batch: &Sequences) -> Result<Vec<f32>> {
        self.weights_have(Weights::check_words)?;
        let shared = self.options.share_prompts;
        self.ask(
            |config| Ok(Plan::new(batch, config, shared)?.filled()),
            |decoder, weights, plan| decoder.score(weights, plan),
        )
    }

    fn forward(&self, batch: &Sequences) -> Result<Live<D>> {
        self.weights_have(Weights::check_words)?;
        let FusedOptions { share_prompts, recompute, .. } = self.options;
        self.trace(
            |config| Ok(Plan::new(batch, config, share_prompts)?.filled()),
            |decoder, weights, plan| decoder.forward(weights, plan, recompute),
            |decoder, weights, gradient, plan, trace, upstream| {
                decoder.backward(weights, gradient, plan, trace, &upstream);
            },
        )
    }

    fn score_words(&self, batch: &Sequences) -> Result<Vec<f32>> {
        self.weights_have(Weights::check_words)?;
        let shared = self.options.share_prompts;
        self.ask(|config| Plan::new(batch, config, shared), |decoder, weights, plan| decoder.score_words(weights, plan))
    }

    fn forward_words(&self, batch: &Sequences) -> Result<Live<D>> {
        self.weights_have(Weights::check_words)?;
        let FusedOptions { share_prompts, recompute, .. } = self.options;
        self.trace(
            |config| Plan::new(batch, config, share_prompts),
            |decoder, weights, plan| decoder.forward_words(weights, plan, recompute),
            |decoder, weights, gradient, plan, trace, upstream| {
                decoder.backward_words(weights, gradient, plan, trace, upstream);
            },
        )
    }

    fn score_values(&self, batch: &Sequences, at: ValuesAt) -> Result<Vec<f32>> {
        self.weights_have(Weights::check_values)?;
        let shared = self.options.share_prompts;
        self.ask(
            |config| Ok(Plan::values(batch, config, shared, at)?.filled()),
            |decoder, weights, plan| decoder.score_values(weights, plan),
        )
    }

    fn forward_values(&self, batch: &Sequences, at: ValuesAt) -> Result<Live<D>> {
        self.weights_have(Weights::check_values)?;
        let FusedOptions { share_prompts, recompute, .. } = self.options;
        self.trace(
            |config| Ok(Plan::values(batch, config, share_prompts, at)?.filled()),
            |decoder, weights, plan| decoder.forward_values(weights, plan, recompute),
            |decoder, weights, gradient, plan, trace, upstream| {
                decoder.backward_values(weights, gradient, plan, trace, &upstream);
            },
        )
    }

    fn collect(&self, _: &Gradients<f32, D>) -> Result<()> {
        self.check()?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gradient) = kept.gradient.as_mut().filter(|_| !self.in_place) {
            let gathered = self.stream.download(gradient.view());
            self.stream.clear(gradient.view_mut());
            self.check()?;
            let mut total = self.parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner);
            total.iter_mut().zip(gathered).for_each(|(total, part)| *total += part);
        }
        Ok(())
    }

    fn without_low_rank(&self) -> Option<Box<dyn Engine<D>>> {
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        weights.low_rank?;
        let backend =
            |shape| GpuBackend::new(shape, self.stream.clone(), self.decoder.backend.element, self.options.replay);
        Some(Box::new(GpuEngine {
            parameters: Arc::clone(&self.parameters),
            decoder: Arc::new(Decoder::bare(&weights, backend)),
            device: self.device.clone(),
            stream: self.stream.clone(),
            options: self.options,
            kept: Arc::clone(&self.kept),
            in_place: false,
            bare: true,
        }))
    }

    fn trains(&self) -> Option<&dyn TrainsInPlace> {
        if self.in_place { Some(self) } else { None }
    }

    fn gives_states(&self) -> Option<&dyn GivesStates<D>> {
        Some(self)
    }
}

impl<D> GpuEngine<D> {
    fn weights_have(&self, what: impl Fn(&Weights) -> Result<()>) -> Result<()> {
        what(&self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner))
    }
}

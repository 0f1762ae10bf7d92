//! Where a run computes: from the words on the command line to a device and an engine.

use crate::compile;
use crate::data::Example;
use crate::model::{Engine, FusedEngine, FusedOptions, GpuEngine, GpuSampler, GraphEngine, Parameters, Weights};
use crate::sample::{self, Progress, Sample, Sampling};
use crate::score::{self, Scored};
use crate::train::{Dtype, EngineKind, Job, Trained, run};
use crate::{Error, Result};
use collimate_dsl::eval::{Evaluation, Inputs, Settings};
use collimate_dsl::ir::Program;
use collimate_dsl::{Layout, Totals};
use collimate_kernels::cuda::{Element, Stream};
use dfdx::prelude::Cpu;
use std::sync::Arc;

/// Trains on the device and with the engine that the job's settings name.
///
/// # Errors
/// If this build or machine does not have the device, the device does not have the engine, or the run fails.
pub fn train(mut job: Job<'_>) -> Result<Trained> {
    match (place(&job.settings.device)?, job.settings.engine) {
        (_, EngineKind::Graph) if job.settings.recompute == Some(true) => Err(Error::Setting(
            "--recompute: the graph engine keeps everything; leave it out, or use --engine fused".to_owned(),
        )),
        (_, EngineKind::Graph) if job.settings.dtype == Dtype::Bf16 => Err(graph_in_bf16()),
        (Place::Cpu, EngineKind::Fused) => {
            let large = job.weights.data.len() >= FusedOptions::LARGE;
            let recompute = *job.settings.recompute.get_or_insert(large);
            let halves = job.settings.dtype == Dtype::Bf16;
            let options = FusedOptions { recompute, halves, ..FusedOptions::default() };
            run(job, Cpu::default(), |parameters| Ok(Box::new(FusedEngine::with(parameters, options)) as Box<_>))
        }
        (Place::Cpu, kind) => run(job, Cpu::default(), |parameters| cpu(kind, parameters)),
        (Place::Cuda(ordinal), kind) => cuda(ordinal, kind, job),
    }
}

/// An engine on the CPU.
///
/// # Errors
/// If the parameters cannot be made into the engine's tensors.
pub fn cpu(kind: EngineKind, parameters: Arc<Parameters>) -> Result<Box<dyn Engine<Cpu>>> {
    Ok(match kind {
        EngineKind::Fused => Box::new(FusedEngine::new(parameters)),
        EngineKind::Graph => Box::new(GraphEngine::new(parameters, Cpu::default())),
    })
}

fn graph_in_bf16() -> Error {
    Error::Setting("--dtype bf16: the graph engine computes in f32; leave it out, or use --engine fused".to_owned())
}

/// How a model that is not trained is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// As `--device` names it.
    pub device: &'a str,
    /// By which engine.
    pub engine: EngineKind,
    /// How weights, on a GPU activations too, are stored.
    pub dtype: Dtype,
}

impl Asking<'_> {
    /// Can it be asked so, in this build and on this machine?
    ///
    /// # Errors
    /// What is missing, or does not go together.
    pub fn check(&self) -> Result<()> {
        match (self.engine, self.dtype) {
            (EngineKind::Graph, Dtype::Bf16) => Err(graph_in_bf16()),
            _ => check(self.device),
        }
    }
}

/// The log-probability of every response of every row, as [`score::score`] gives it.
///
/// # Errors
/// As there, and what is missing for the device.
pub fn score(weights: Weights, asking: Asking<'_>, examples: &[Example], longest: usize) -> Result<Vec<Vec<Scored>>> {
    asking.check()?;
    let parameters = Arc::new(Parameters::frozen(weights));
    match (place(asking.device)?, asking.engine) {
        (Place::Cpu, EngineKind::Graph) => score::score(&*cpu(EngineKind::Graph, parameters)?, examples, longest),
        (Place::Cuda(ordinal), EngineKind::Graph) => graph_on_gpu(ordinal, parameters, examples, longest),
        (place, EngineKind::Fused) => score::score(&*fused(place, asking.dtype, parameters)?, examples, longest),
    }
}

/// A frozen model on the device of this name, by the fused engine. What it gives comes back to the host.
///
/// # Errors
/// What is missing for the device, or if the model does not fit in it.
pub fn frozen(device: &str, dtype: Dtype, weights: Weights) -> Result<Box<dyn Engine<Cpu>>> {
    fused(place(device)?, dtype, Arc::new(Parameters::frozen(weights)))
}

fn fused(place: Place, dtype: Dtype, parameters: Arc<Parameters>) -> Result<Box<dyn Engine<Cpu>>> {
    match place {
        Place::Cpu => {
            let options = FusedOptions { halves: dtype == Dtype::Bf16, ..FusedOptions::default() };
            Ok(Box::new(FusedEngine::with(parameters, options)))
        }
        Place::Cuda(ordinal) => on_gpu(stream(ordinal)?, dtype, parameters),
    }
}

/// What comes back is a few numbers for each response, which dfdx needs no GPU for.
fn on_gpu(stream: Stream, dtype: Dtype, parameters: Arc<Parameters>) -> Result<Box<dyn Engine<Cpu>>> {
    let engine = GpuEngine::new(parameters, Cpu::default(), stream, element(dtype), FusedOptions::default())?;
    Ok(Box::new(engine))
}

/// Continues every prompt on the device of this name, as [`sample::generate`] does.
///
/// # Errors
/// As there, and what is missing for the device.
pub fn generate(
    device: &str,
    weights: &Weights,
    prompts: &[Vec<u32>],
    settings: &Sampling,
    progress: impl FnMut(Progress),
) -> Result<Vec<Vec<Sample>>> {
    match place(device)? {
        Place::Cpu => sample::generate(weights, prompts, settings, progress),
        Place::Cuda(ordinal) => {
            let sampler = GpuSampler::new(stream(ordinal)?, element(settings.dtype));
            sampler.generate(weights, prompts, settings, progress)
        }
    }
}

fn element(dtype: Dtype) -> Element {
    match dtype {
        Dtype::F32 => Element::F32,
        Dtype::Bf16 => Element::Bf16,
    }
}

/// Can this build compute on the device of this name, and has this machine got it? To be asked before anything is done
/// for a run that names it.
///
/// # Errors
/// What is missing.
pub fn check(name: &str) -> Result<()> {
    match place(name)? {
        Place::Cpu => Ok(()),
        Place::Cuda(ordinal) => present(ordinal),
    }
}

/// A device as it is named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    Cpu,
    /// The GPU with this number.
    Cuda(usize),
}

fn place(name: &str) -> Result<Place> {
    let number = |digits: &str| digits.parse().ok().map(Place::Cuda);
    let found = match name {
        "cpu" => Some(Place::Cpu),
        "cuda" => Some(Place::Cuda(0)),
        other => other.strip_prefix("cuda:").and_then(number),
    };
    found.ok_or_else(|| Error::Setting(format!("--device {name}: there is no such device; write cpu or cuda:0")))
}

/// dfdx on one device, to evaluate programs there.
#[derive(Clone, Debug)]
pub struct Evaluator(OfDfdx);

#[derive(Clone, Debug)]
enum OfDfdx {
    Cpu,
    #[cfg(feature = "cuda")]
    Cuda(dfdx::prelude::Cuda),
}

impl Evaluator {
    /// On the device of this name.
    ///
    /// # Errors
    /// What is missing.
    pub fn on(name: &str) -> Result<Self> {
        match place(name)? {
            Place::Cpu => Ok(Evaluator(OfDfdx::Cpu)),
            #[cfg(feature = "cuda")]
            Place::Cuda(ordinal) => Ok(Evaluator(OfDfdx::Cuda(of_dfdx(ordinal, 0)?))),
            #[cfg(not(feature = "cuda"))]
            Place::Cuda(ordinal) => Err(absent(ordinal)),
        }
    }

    /// The loss of a program, its gradient and metrics, as [`compile::evaluate`] gives them.
    ///
    /// # Errors
    /// As there.
    pub fn evaluate(
        &self,
        program: &Program,
        layout: &Layout,
        totals: &Totals,
        inputs: &Inputs,
        settings: &Settings,
    ) -> Result<Evaluation> {
        match &self.0 {
            OfDfdx::Cpu => compile::evaluate(program, layout, totals, inputs, settings),
            #[cfg(feature = "cuda")]
            OfDfdx::Cuda(device) => compile::evaluate_on(device, program, layout, totals, inputs, settings),
        }
    }
}

#[cfg(feature = "cuda")]
fn present(ordinal: usize) -> Result<()> {
    collimate_kernels::cuda::Device::present(ordinal).map_err(|problem| unusable(ordinal, &problem))
}

#[cfg(not(feature = "cuda"))]
fn present(ordinal: usize) -> Result<()> {
    Err(absent(ordinal))
}

/// A build without CUDA has no GPU.
#[cfg(not(feature = "cuda"))]
fn absent(ordinal: usize) -> Error {
    unusable(ordinal, "this build has no CUDA; build it with `--features cuda` where a CUDA toolkit is")
}

fn unusable(ordinal: usize, problem: &str) -> Error {
    Error::Setting(format!("--device cuda:{ordinal}: {problem}"))
}

/// The work of the GPU with this number.
#[cfg(feature = "cuda")]
fn stream(ordinal: usize) -> Result<Stream> {
    let device = collimate_kernels::cuda::Device::new(ordinal);
    device.map(Stream::new).map_err(|problem| unusable(ordinal, &problem))
}

#[cfg(not(feature = "cuda"))]
fn stream(ordinal: usize) -> Result<Stream> {
    Err(absent(ordinal))
}

/// A GPU as dfdx has it.
#[cfg(feature = "cuda")]
fn of_dfdx(ordinal: usize, seed: u64) -> Result<dfdx::prelude::Cuda> {
    // Nothing of dfdx's may be touched before: where something is missing it panics.
    present(ordinal)?;
    dfdx::prelude::Cuda::try_build(ordinal, seed)
        .map_err(|e| unusable(ordinal, &format!("dfdx cannot use this GPU: {e:?}")))
}

#[cfg(feature = "cuda")]
fn graph_on_gpu(
    ordinal: usize,
    parameters: Arc<Parameters>,
    examples: &[Example],
    longest: usize,
) -> Result<Vec<Vec<Scored>>> {
    score::score(&GraphEngine::new(parameters, of_dfdx(ordinal, 0)?), examples, longest)
}

#[cfg(not(feature = "cuda"))]
fn graph_on_gpu(ordinal: usize, _: Arc<Parameters>, _: &[Example], _: usize) -> Result<Vec<Vec<Scored>>> {
    Err(absent(ordinal))
}

#[cfg(feature = "cuda")]
fn cuda(ordinal: usize, kind: EngineKind, mut job: Job<'_>) -> Result<Trained> {
    use dfdx::prelude::Cuda;
    let device = of_dfdx(ordinal, job.settings.seed)?;
    let of_dfdx = device.clone();
    match kind {
        EngineKind::Graph => run(job, device, move |parameters| {
            Ok(Box::new(GraphEngine::new(parameters, of_dfdx.clone())) as Box<dyn Engine<Cuda>>)
        }),
        EngineKind::Fused => {
            let (stream, element) = (stream(ordinal)?, element(job.settings.dtype));
            let mut sampler = GpuSampler::new(stream.clone(), element);
            let recompute = *job.settings.recompute.get_or_insert(false);
            let options = FusedOptions { recompute, ..FusedOptions::default() };
            run(job.drawn_by(&mut sampler), device, move |parameters| {
                let engine = GpuEngine::new(parameters, of_dfdx.clone(), stream.clone(), element, options)?;
                Ok(Box::new(engine.training_in_place()) as Box<dyn Engine<Cuda>>)
            })
        }
    }
}

#[cfg(not(feature = "cuda"))]
fn cuda(ordinal: usize, _: EngineKind, _: Job<'_>) -> Result<Trained> {
    Err(absent(ordinal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Origin;
    use crate::train::small;
    use collimate_emulation::{Order, machine};
    use std::path::Path;

    #[test]
    fn devices_are_named_as_pytorch_names_them() {
        assert_eq!(place("cpu").unwrap(), Place::Cpu);
        assert_eq!(place("cuda:1").unwrap(), Place::Cuda(1));
        assert_eq!(place("cuda").unwrap(), Place::Cuda(0));
        let error = place("gpu").unwrap_err().to_string();
        assert_eq!(error, "--device gpu: there is no such device; write cpu or cuda:0");
    }

    #[test]
    fn a_device_is_looked_for_before_there_is_a_run() {
        check("cpu").unwrap();
        let (weights, settings) = (Weights::random(small::config(), 1), Sampling::default());
        let asking = |engine| Asking { device: "cuda:900", engine, dtype: Dtype::F32 };
        for error in [
            check("cuda:900").unwrap_err(),
            generate("cuda:900", &weights, &[vec![1]], &settings, |_| ()).unwrap_err(),
            score(weights.clone(), asking(EngineKind::Fused), &[], 8).unwrap_err(),
            score(weights.clone(), asking(EngineKind::Graph), &[], 8).unwrap_err(),
            frozen("cuda:900", Dtype::F32, weights).err().unwrap(),
            Evaluator::on("cuda:900").unwrap_err(),
        ] {
            assert!(error.to_string().starts_with("--device cuda:900: "), "{error}");
        }
    }

    #[test]
    fn every_engine_and_device_gives_responses_their_log_probabilities() {
        let mut weights = Weights::random(small::config(), 1);
        // As bf16 has them, so that only what is computed with is coarser there.
        weights.data.iter_mut().for_each(|w| *w = f32::from_bits(w.to_bits() & 0xffff_0000));
        let example = |row: usize, prompt: &[u32], responses: &[&[u32]]| Example {
            origin: Origin { path: Path::new("rows.jsonl").into(), line: row + 1 },
            prompt: prompt.to_vec(),
            responses: responses.iter().map(|tokens| tokens.to_vec()).collect(),
            numbers: vec![],
            room: 8,
            row,
        };
        let examples = [example(0, &[1, 2, 3], &[&[4, 5], &[6]]), example(1, &[3, 1], &[&[2, 2, 2]])];
        let on_cpu = |engine, dtype| {
            score(weights.clone(), Asking { device: "cpu", engine, dtype }, &examples, 8).unwrap().concat()
        };
        let on_gpu = |dtype| {
            let parameters = Arc::new(Parameters::frozen(weights.clone()));
            let engine = on_gpu(machine(Order::Shuffled(5)), dtype, parameters).unwrap();
            score::score(&*engine, &examples, 8).unwrap().concat()
        };
        let right = on_cpu(EngineKind::Graph, Dtype::F32);
        assert_eq!(right.iter().map(|scored| scored.tokens).collect::<Vec<_>>(), [2, 1, 3]);
        for (ours, near) in [
            (on_cpu(EngineKind::Fused, Dtype::F32), 1e-5),
            (on_cpu(EngineKind::Fused, Dtype::Bf16), 3e-2),
            (on_gpu(Dtype::F32), 1e-5),
            (on_gpu(Dtype::Bf16), 3e-2),
        ] {
            for (ours, right) in ours.iter().zip(&right) {
                assert!((ours.logp - right.logp).abs() < near * right.logp.abs(), "{ours:?} {right:?}");
            }
        }
        let asking = Asking { device: "cpu", engine: EngineKind::Graph, dtype: Dtype::Bf16 };
        let problem = score(weights.clone(), asking, &examples, 8).unwrap_err().to_string();
        assert!(problem.contains("the graph engine computes in f32"), "{problem}");
    }
}

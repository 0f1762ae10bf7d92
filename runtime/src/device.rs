//! Where a run computes: from the words on the command line to a device and an engine.

use crate::model::{Engine, FusedEngine, FusedOptions, GraphEngine, Parameters};
use crate::train::{Dtype, EngineKind, Job, Trained, run};
use crate::{Error, Result};
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
        (_, EngineKind::Graph) if job.settings.dtype == Dtype::Bf16 => Err(Error::Setting(
            "--dtype bf16: the graph engine computes in f32; leave it out, or use --engine fused".to_owned(),
        )),
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

#[cfg(feature = "cuda")]
fn present(ordinal: usize) -> Result<()> {
    collimate_kernels::cuda::Device::present(ordinal).map_err(|problem| unusable(ordinal, &problem))
}

#[cfg(not(feature = "cuda"))]
fn present(ordinal: usize) -> Result<()> {
    Err(unusable(ordinal, "this build has no CUDA; build it with `--features cuda` where a CUDA toolkit is"))
}

fn unusable(ordinal: usize, problem: &str) -> Error {
    Error::Setting(format!("--device cuda:{ordinal}: {problem}"))
}

#[cfg(feature = "cuda")]
fn cuda(ordinal: usize, kind: EngineKind, mut job: Job<'_>) -> Result<Trained> {
    use crate::model::{GpuEngine, GpuSampler};
    use collimate_kernels::cuda::{Device, Element, Stream};
    use dfdx::prelude::Cuda;
    let unusable = |problem: String| unusable(ordinal, &problem);
    // Nothing of dfdx's may be touched before: where something is missing it panics.
    present(ordinal)?;
    let device = Cuda::try_build(ordinal, job.settings.seed)
        .map_err(|e| unusable(format!("dfdx cannot use this GPU: {e:?}")))?;
    let of_dfdx = device.clone();
    match kind {
        EngineKind::Graph => run(job, device, move |parameters| {
            Ok(Box::new(GraphEngine::new(parameters, of_dfdx.clone())) as Box<dyn Engine<Cuda>>)
        }),
        EngineKind::Fused => {
            let stream = Stream::new(Device::new(ordinal).map_err(unusable)?);
            let element = match job.settings.dtype {
                Dtype::F32 => Element::F32,
                Dtype::Bf16 => Element::Bf16,
            };
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
    match present(ordinal) {
        Err(problem) => Err(problem),
        Ok(()) => unreachable!("a build without CUDA has no GPU"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let error = check("cuda:900").unwrap_err().to_string();
        assert!(error.starts_with("--device cuda:900: "), "{error}");
    }
}

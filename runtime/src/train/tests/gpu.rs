//! Runs whose weights stay on a GPU, an emulated one.

use super::*;
use crate::model::{FusedOptions, GpuEngine, GpuSampler};
use collimate_emulation::{Order, machine};
use collimate_kernels::cuda::Element;

/// Engines on one machine.
pub(super) fn engine() -> impl Fn(Arc<Parameters>) -> Result<Box<dyn Engine<Cpu>>> {
    let (stream, options) = (machine(Order::Shuffled(3)), FusedOptions::default());
    move |parameters| {
        let engine = GpuEngine::new(parameters, Cpu::default(), stream.clone(), Element::F32, options)?;
        Ok(Box::new(engine.training_in_place()))
    }
}

/// Draws where that engine runs.
pub(super) fn sampler() -> GpuSampler {
    GpuSampler::new(machine(Order::Shuffled(3)), Element::F32)
}

fn base<'a>() -> Run<'a> {
    let settings = RunSettings { steps: Some(4), lr: 0.005, checkpoint_every: 3, ..settings() };
    Run { settings, scale: 5.0, ..Run::new() }
}

#[test]
fn a_run_on_a_gpu_is_that_of_the_cpu_and_can_be_stopped() {
    let (cpu, right) = Run { engine: Some(EngineKind::Fused), ..base() }.go().unwrap();
    let outer = tempfile::tempdir().unwrap();
    let out = outer.path().join("run");
    let (gpu, seen) = Run { gpu: true, ..base() }.go().unwrap();
    close(&seen, &right, 1e-4);
    let largest = cpu.weights.data.iter().fold(0.0_f32, |most, w| most.max(w.abs()));
    for (ours, right) in gpu.weights.data.iter().zip(&cpu.weights.data) {
        assert!((ours - right).abs() < 1e-3 * largest, "{ours} where {right} is right, largest {largest}");
    }
    let (first, _) = Run { gpu: true, out: Some(&out), stop_after: Some(2), ..base() }.go().unwrap();
    assert!(first.stopped);
    let (last, rest) = Run { gpu: true, out: Some(&out), resume: true, ..base() }.go().unwrap();
    assert_eq!(rest, seen[2..]);
    assert_eq!(last.weights.data, gpu.weights.data);
}

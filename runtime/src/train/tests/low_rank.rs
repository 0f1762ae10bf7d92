//! Runs that train narrow matrices beside a model that stays as it is.

use super::drawn::{Drawn, metric};
use super::{EngineKind, Measurement, Run, Trained, close, config, settings};
use crate::checkpoint;
use crate::model::{LowRank, Weights};
use crate::train::RunSettings;

const PAIR: LowRank = LowRank { rank: 2, alpha: 8.0 };

fn lora(settings: RunSettings) -> RunSettings {
    RunSettings { lora: Some(PAIR), ..settings }
}

fn run(engine: EngineKind, micro_batch: usize) -> (Trained, Vec<Measurement>) {
    run_at(settings().lr, engine, micro_batch)
}

fn run_at(lr: f64, engine: EngineKind, micro_batch: usize) -> (Trained, Vec<Measurement>) {
    let settings = RunSettings { micro_batch: Some(micro_batch), lr, ..lora(settings()) };
    Run { settings, engine: Some(engine), scale: 5.0, ..Run::new() }.go().unwrap()
}

#[test]
fn the_loss_starts_at_ln_2_and_falls_for_both_engines_and_every_cut() {
    let (trained, fused) = run(EngineKind::Fused, 4);
    assert!((fused[0].loss - std::f64::consts::LN_2).abs() < 1e-6);
    assert!(fused[7].loss < 0.65, "{}", fused[7].loss);
    // At that rate, what one cut rounds otherwise than another grows threefold a step.
    let slowly = |engine, cut| run_at(0.01, engine, cut).1;
    let whole = slowly(EngineKind::Fused, 4);
    close(&whole, &slowly(EngineKind::Fused, 3), 2e-3);
    close(&whole, &slowly(EngineKind::Graph, 2), 2e-3);
    let mut before = Weights::random(config(), 3);
    before.data.iter_mut().for_each(|w| *w *= 5.0);
    assert_eq!(trained.weights.tensors, before.tensors, "what was trained is merged");
    for (spec, now) in before.tensors.iter().zip(&trained.weights.tensors) {
        let same = before.data[spec.range.clone()] == trained.weights.data[now.range.clone()];
        assert_eq!(same, !spec.name.contains("_proj"), "{}", spec.name);
    }
}

#[test]
fn a_run_goes_on_bit_for_bit_from_a_checkpoint_of_what_is_trained() {
    let outer = tempfile::tempdir().unwrap();
    let out = outer.path().join("run");
    let with = |out, stop_after, resume| {
        let settings = lora(settings());
        Run { settings, engine: Some(EngineKind::Fused), out, stop_after, resume, ..Run::new() }.go().unwrap()
    };
    let (whole, seen) = with(None, None, false);
    with(Some(out.as_path()), Some(3), false);
    let kept = std::fs::metadata(out.join("checkpoint-3/weights.safetensors")).unwrap().len();
    assert!((kept as usize) < 4 * whole.weights.data.len(), "the model itself is not in it");
    assert!(checkpoint::newest(&out).unwrap().is_some());
    let problem = Run { out: Some(&out), resume: true, engine: Some(EngineKind::Fused), ..Run::new() }.problem();
    assert!(problem.contains("lora is not given"), "{problem}");
    let (resumed, after) = with(Some(out.as_path()), None, true);
    assert_eq!(resumed.weights.data, whole.weights.data);
    assert_eq!(after, seen[3..]);
    let last = Weights::load(&out.join("final")).unwrap();
    assert_eq!(last.data, whole.weights.data);
    let config = std::fs::read_to_string(out.join("adapter/adapter_config.json")).unwrap();
    assert!(config.contains("\"r\": 2") && config.contains("\"peft_type\": \"LORA\""), "{config}");
    assert!(out.join("adapter/adapter_model.safetensors").exists());
}

#[test]
fn drawn_responses_are_those_of_what_is_trained_and_the_reference_is_the_model_without_it() {
    for refresh_every in [0, 4] {
        let go = || {
            let mut run = Drawn::new();
            (run.lora, run.steps, run.refresh_every) = (Some(PAIR), 24, refresh_every);
            run.go().unwrap().1
        };
        let seen = go();
        assert_eq!(seen, go());
        let (first, last) = (&seen[0], &seen[23]);
        assert!(metric(first, "kl").abs() < 1e-5);
        for measurement in &seen {
            let gap = metric(measurement, "sampling/sampling_logp_difference/max");
            assert!(gap < 1e-4, "the sampler and the engine agree: {gap}");
        }
        assert!(refresh_every > 0 || metric(last, "kl") > 1e-3);
    }
}

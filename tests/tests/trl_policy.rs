//! Twelve steps of RLOO and of TRL's GRPO family are those of TRL's own trainers, on a small real model and recorded
//! rollouts; and twelve of PPO those of a script that writes out what TRL, verl and NeMo-Aligner do.
//!
//! `golden/make_trl_policy.py` says how they were recorded, `golden/make_ppo.py` is that script. Two steps on each rollout: in the second the ratio to the policy
//! before is not 1, and where it is limited something is cut off.

use collimate::ALL;
use collimate_runtime::Result;
use collimate_runtime::data::{Origin, Record, Row};
use collimate_runtime::metric::Measurement;
use collimate_runtime::model::Weights;
use collimate_runtime::sample::{Sample, Sampler, Sampling};
use collimate_runtime::tokenizer::Tokenizer;
use collimate_runtime::train::{Answer, DrawSettings, RunSettings, Schedule};
use collimate_tests::steps::{Drawn, drawn_steps};
use collimate_tests::{assets, root};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Deserialize)]
struct Recording {
    settings: Settings,
    prompts: Vec<String>,
    /// For each draw, prompt after prompt, the tokens of its responses.
    drawn: Vec<Vec<Vec<u32>>>,
    /// What each of them is worth.
    scores: Vec<Vec<f64>>,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Settings {
    batch: usize,
    generations: usize,
    iterations: u64,
    lr: f64,
    longest: usize,
}

#[derive(Deserialize)]
struct Run {
    ours: String,
    set: BTreeMap<String, f64>,
    metrics: Vec<Measured>,
}

#[derive(Deserialize)]
struct Measured {
    loss: f64,
    grad_norm: f64,
}

/// Draws what was recorded.
struct Recorded<'a> {
    drawn: std::slice::Iter<'a, Vec<Vec<u32>>>,
    end: u32,
}
impl Sampler for Recorded<'_> {
    fn draw(&mut self, _: &Weights, prompts: &[Vec<u32>], settings: &Sampling) -> Result<Vec<Vec<Sample>>> {
        let drawn = self.drawn.next().expect("as many draws as were recorded");
        assert_eq!(drawn.len(), prompts.len() * settings.samples);
        let sample = |tokens: &Vec<u32>| Sample {
            tokens: tokens.clone(),
            logp: vec![0.0; tokens.len()],
            ended: tokens.last() == Some(&self.end),
        };
        Ok(drawn.chunks(settings.samples).map(|group| group.iter().map(sample).collect()).collect())
    }
}

/// The critic's weights and learning rate, if one is trained.
type Critics = Option<(Weights, f64)>;

fn train(folder: &Path, recording: &Recording, run: &Run, micro_batch: usize, critic: Critics) -> Vec<Measurement> {
    let Settings { batch, generations, iterations, lr, longest } = recording.settings;
    let row = |(i, prompt): (usize, &String)| Row {
        origin: Origin { path: Path::new("trl_policy.json").into(), line: i + 1 },
        record: Record::group(prompt, Vec::new()),
    };
    let rows: Vec<Row> = recording.prompts.iter().enumerate().map(row).collect();
    let draw = DrawSettings {
        num_generations: generations,
        num_iterations: iterations,
        max_new_tokens: longest,
        ..DrawSettings::default()
    };
    let (critic, critic_lr) = critic.unzip();
    let settings = RunSettings {
        critic_lr,
        steps: Some(recording.drawn.len() as u64 * iterations),
        batch,
        micro_batch: Some(micro_batch),
        lr,
        schedule: Schedule::Constant,
        shuffle: false,
        draw: Some(draw),
        set: run.set.clone(),
        ..RunSettings::default()
    };
    let algorithm = ALL.iter().find(|a| a.name == run.ours).unwrap_or_else(|| panic!("no preset `{}`", run.ours));
    let mut scores = recording.scores.iter();
    let mut reward = |_: &[Answer<'_>]| Ok(scores.next().expect("as many draws as were recorded").clone());
    let mut sampler = Recorded { drawn: recording.drawn.iter(), end: 2 };
    let (weights, tokenizer) = (Weights::load(folder).unwrap(), Tokenizer::from_folder(folder).unwrap());
    let drawn = Drawn { reward: &mut reward, sampler: &mut sampler, critic };
    drawn_steps(algorithm, settings, weights, &tokenizer, &rows, drawn).0
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> T {
    let text = std::fs::read_to_string(root().join("tests/golden").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Every step's loss and gradient norm, to 0.2 %.
fn compare(run: &Run, micro_batch: usize, seen: &[Measurement]) {
    assert_eq!(seen.len(), run.metrics.len());
    let mut worst = 0.0_f64;
    for (seen, wanted) in seen.iter().zip(&run.metrics) {
        for (name, found, wanted) in [("loss", seen.loss, wanted.loss), ("grad_norm", seen.grad_norm, wanted.grad_norm)]
        {
            // Where advantages sum to zero the loss is a difference of numbers around 1, in f32.
            let off = (found - wanted).abs() - 2e-5;
            assert!(off <= 2e-3 * wanted.abs(), "{}, step {}: {name} {found} {wanted}", run.ours, seen.step);
            worst = worst.max((found - wanted).abs() / wanted.abs().max(1e-2));
        }
    }
    println!("{}, micro-batch {micro_batch}: at most {worst:.1e} of a number apart", run.ours);
}

#[test]
fn twelve_steps_on_recorded_rollouts_are_those_of_trl() {
    let Some(assets) = assets("twelve_steps_on_recorded_rollouts_are_those_of_trl") else { return };
    let folder = assets.join("weights/stories260K-hf");
    let recording: Recording = read("trl_policy.json");
    assert!(recording.runs.len() >= 8);
    for run in &recording.runs {
        for micro_batch in [3, 1] {
            compare(run, micro_batch, &train(&folder, &recording, run, micro_batch, None));
        }
    }
}

#[derive(Deserialize)]
struct WithCritic {
    critic_lr: f64,
    runs: Vec<Run>,
}

#[test]
fn twelve_steps_of_ppo_are_those_of_an_independent_script() {
    let Some(assets) = assets("twelve_steps_of_ppo_are_those_of_an_independent_script") else { return };
    let folder = assets.join("weights/stories260K-hf");
    let (recording, ppo): (Recording, WithCritic) = (read("trl_policy.json"), read("ppo.json"));
    assert_eq!(ppo.runs.len(), 3);
    let mut critic = Weights::load(&folder).unwrap().with_head(&["value"], 0);
    let first = critic.data.len() - critic.config.hidden_size;
    // The script's head.
    for (i, weight) in critic.data[first..].iter_mut().enumerate() {
        *weight = (0.2 * (0.7 * i as f64 + 0.3).sin()) as f32;
    }
    for run in &ppo.runs {
        for micro_batch in [3, 1] {
            let critic = Some((critic.clone(), ppo.critic_lr));
            compare(run, micro_batch, &train(&folder, &recording, run, micro_batch, critic));
        }
    }
}

//! Training runs on small models.

mod drawn;
mod gpu;
mod low_rank;
mod rewards;
mod state;
mod words;

use super::bigram::Bigram;
use super::small::{config, letters};
use super::*;
use crate::data::{Origin, Record, Row};
use crate::metric::{self, Measurement};
use crate::model::{Engine, FusedEngine, FusedOptions, Parameters, Weights};
use crate::tokenizer::Tokenizer;
use crate::{Result, device};
use collimate_dsl::eval;
use collimate_dsl::ir::{Id, Node, Op, Program};
use collimate_dsl::{Arg, Spec, rules, trace};
use dfdx::prelude::Cpu;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use collimate_dsl::{Actor, Pair as Pairs, Policy, Prompt, Reduce, Reference, Token, log_sigmoid};

fn program() -> Program {
    trace("pairs", || {
        let (actor, reference, pair) = (Actor::arg(), Reference::arg(), Pairs::arg());
        let chosen = 0.5 * (actor.logp(pair.chosen) - reference.logp(pair.chosen)).sum(Token);
        let rejected = 0.5 * (actor.logp(pair.rejected) - reference.logp(pair.rejected)).sum(Token);
        -log_sigmoid(chosen - rejected).mean(Prompt)
    })
}

/// The same with every margin measured from the batch's mean margin: no sum over rows.
fn centred() -> Program {
    let mut program = program();
    let margin = program.metrics.iter().find(|metric| metric.name == "rewards/margins").unwrap().node;
    let mut step = |op: Op, args: &[Id]| {
        let ty = rules::infer(&op, &args.iter().map(|arg| program.node(*arg).ty).collect::<Vec<_>>()).unwrap();
        program.nodes.push(Node { op, args: args.to_vec(), ty, place: Default::default() });
        Id::new(program.nodes.len() - 1)
    };
    let mean = step(Op::Average, &[margin]);
    let mean = step(Op::EveryPrompt, &[mean]);
    let off = step(Op::Minus, &[margin, mean]);
    let gain = step(Op::LogLogistic, &[off]);
    let mean = step(Op::Average, &[gain]);
    program.root = Some(step(Op::Negative, &[mean]));
    assert!(eval::separable(&program).is_err());
    program
}

fn rows() -> Vec<Row> {
    let text = |seed: usize, length: usize| -> String {
        (0..length).map(|i| char::from(b'a' + ((seed * 7 + i * i * 3 + i * seed) % 16) as u8)).collect()
    };
    let row = |line: usize| {
        let record =
            Record::pair(text(line, 3 + line % 4), text(line + 20, 1 + line % 5), text(line + 50, 2 + line % 3));
        Row { origin: Origin { path: Path::new("pairs.jsonl").into(), line }, record }
    };
    (1..=11).map(row).collect()
}

fn settings() -> RunSettings {
    RunSettings { batch: 4, steps: Some(8), lr: 0.05, weight_decay: 0.01, warmup: 2, seed: 5, ..RunSettings::default() }
}

fn bigram(parameters: Arc<Parameters>) -> Result<Box<dyn Engine<Cpu>>> {
    Ok(Box::new(Bigram(parameters)))
}

/// Keeps every measurement, and stops a run after some step.
#[derive(Default)]
struct Watch<'a> {
    seen: Vec<Measurement>,
    whole_words: Option<String>,
    stop: Option<(u64, &'a AtomicBool)>,
}
impl Observer for Watch<'_> {
    fn begins(&mut self, plan: &Plan<'_>) {
        self.whole_words = plan.whole_words.map(str::to_owned);
    }
    fn stepped(&mut self, measurement: &Measurement) {
        self.seen.push(Measurement { seconds: 0.0, ..measurement.clone() });
        if let Some((step, stop)) = self.stop {
            stop.store(measurement.step >= step, Ordering::Relaxed);
        }
    }
}

/// What was told.
struct Seen {
    seen: Vec<Measurement>,
    whole_words: Option<String>,
}

struct Run<'a> {
    settings: RunSettings,
    program: Program,
    specs: &'a [Spec],
    rows: Vec<Row>,
    out: Option<&'a Path>,
    resume: bool,
    stop_after: Option<u64>,
    /// By what the random weights are multiplied.
    scale: f32,
    teacher: Option<Weights>,
    /// Other than the bigram.
    engine: Option<EngineKind>,
    /// The fused engine, with these options.
    fused: Option<FusedOptions>,
    /// On an emulated GPU, where the weights stay.
    gpu: bool,
}
impl Run<'_> {
    fn new() -> Self {
        let (settings, program, rows) = (settings(), program(), rows());
        Run {
            settings,
            program,
            specs: &[],
            rows,
            out: None,
            resume: false,
            stop_after: None,
            scale: 20.0,
            teacher: None,
            engine: None,
            fused: None,
            gpu: false,
        }
    }
    fn go(&self) -> Result<(Trained, Vec<Measurement>)> {
        self.watched().map(|(trained, watch)| (trained, watch.seen))
    }
    fn watched(&self) -> Result<(Trained, Seen)> {
        let (stop, tokenizer): (_, Tokenizer) = (AtomicBool::new(false), letters());
        let mut weights = Weights::random(config(), 3);
        weights.data.iter_mut().for_each(|w| *w *= self.scale);
        let mut watch = Watch { stop: self.stop_after.map(|step| (step, &stop)), ..Watch::default() };
        let job = Job {
            settings: self.settings.clone(),
            program: &self.program,
            view: "pair",
            specs: self.specs,
            weights,
            critic: None,
            teacher: self.teacher.clone(),
            tokenizer: &tokenizer,
            rows: &self.rows,
            reward: None,
            sampler: None,
            eval_rows: &self.rows[..3],
            out: self.out,
            resume: self.resume,
            stop: &stop,
            observer: &mut watch,
        };
        let trained = match self.engine {
            _ if self.gpu => run(job, Cpu::default(), gpu::engine())?,
            _ if self.fused.is_some() => {
                let options = self.fused.unwrap_or_default();
                run(job, Cpu::default(), |parameters| Ok(Box::new(FusedEngine::with(parameters, options)) as _))?
            }
            None => run(job, Cpu::default(), bigram)?,
            Some(kind) => run(job, Cpu::default(), |parameters| device::cpu(kind, parameters))?,
        };
        Ok((trained, Seen { seen: watch.seen, whole_words: watch.whole_words }))
    }
    fn problem(&self) -> String {
        self.go().map(|(trained, _)| trained.steps).unwrap_err().to_string()
    }
}

fn close(a: &[Measurement], b: &[Measurement], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        let numbers = |m: &Measurement| -> Vec<(String, f64)> {
            let own = [("loss".to_owned(), m.loss), ("grad_norm".to_owned(), m.grad_norm), ("lr".to_owned(), m.lr)];
            own.into_iter().chain(m.metrics.clone()).collect()
        };
        assert_eq!((a.step, a.tokens, numbers(a).len()), (b.step, b.tokens, numbers(b).len()));
        for ((name, x), (_, y)) in numbers(a).into_iter().zip(numbers(b)) {
            assert!((x - y).abs() <= tolerance * (1.0 + x.abs()), "step {} {name}: {x} {y}", a.step);
        }
    }
}

#[test]
fn the_loss_starts_at_ln_2_and_falls() {
    let (trained, seen) = Run::new().go().unwrap();
    assert!((seen[0].loss - std::f64::consts::LN_2).abs() < 1e-6 && seen[0].lr == 0.0);
    assert!((seen[1].lr - 0.025).abs() < 1e-12);
    let last = seen.last().unwrap();
    assert!(last.loss < 0.4, "{}", last.loss);
    let names: Vec<_> = last.metrics.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&"rewards/margins") && names.contains(&"logps/chosen"), "{names:?}");
    assert!(names.contains(&"eval/loss") && names.contains(&"eval/rewards/accuracies"), "{names:?}");
    assert_eq!((trained.steps, trained.stopped), (8, false));
    assert_eq!(trained.settings.micro_batch, Some(4));
}

#[test]
fn the_numbers_do_not_depend_on_the_micro_batch() {
    for program in [program(), centred()] {
        let with = |micro_batch| {
            let settings = RunSettings { micro_batch: Some(micro_batch), ..settings() };
            Run { settings, program: program.clone(), ..Run::new() }.go().unwrap().1
        };
        let whole = with(4);
        for micro_batch in [1, 2, 3] {
            close(&whole, &with(micro_batch), 1e-5);
        }
    }
}

#[test]
fn a_run_that_was_stopped_and_continued_is_bit_for_bit_the_same() {
    let outer = tempfile::tempdir().unwrap();
    let (straight, parts) = (outer.path().join("straight"), outer.path().join("parts"));
    let (whole, seen) = Run { out: Some(&straight), ..Run::new() }.go().unwrap();
    let stop = |stop_after, resume| Run { out: Some(&parts), stop_after, resume, ..Run::new() }.go().unwrap();
    let (first, _) = stop(Some(2), false);
    assert_eq!((first.steps, first.stopped), (2, true));
    assert!(parts.join("checkpoint-2/state.json").is_file());
    let (_, second) = stop(Some(5), true);
    assert_eq!(second, seen[2..5]);
    let (last, rest) = stop(None, true);
    assert_eq!(rest, seen[5..]);
    assert_eq!(last.weights.data, whole.weights.data);
    assert_eq!(
        std::fs::read(parts.join("final/model.safetensors")).unwrap(),
        std::fs::read(straight.join("final/model.safetensors")).unwrap()
    );
    // The files tell the same story, but for the clock.
    let told = |folder: &Path| -> Vec<String> {
        let text = std::fs::read_to_string(folder.join("metrics.jsonl")).unwrap();
        let without_clock = |line: &str| {
            let (before, after) = line.split_once("\"seconds\":").unwrap();
            before.to_owned() + after.split_once(',').unwrap().1
        };
        text.lines().map(without_clock).collect()
    };
    assert_eq!(told(&parts), told(&straight));
    assert!(!parts.join("checkpoint-5").exists(), "the model is there, the checkpoint is no longer needed");
}

#[test]
fn both_engines_train_alike_and_for_every_micro_batch() {
    let with = |engine, micro_batch| {
        let settings = RunSettings { micro_batch: Some(micro_batch), lr: 1e-3, steps: Some(4), ..settings() };
        Run { settings, engine: Some(engine), scale: 5.0, ..Run::new() }.go().unwrap().1
    };
    let whole = with(EngineKind::Fused, 4);
    assert!(whole[3].grad_norm > 0.1);
    for micro_batch in [1, 2] {
        close(&whole, &with(EngineKind::Fused, micro_batch), 1e-5);
    }
    close(&whole, &with(EngineKind::Graph, 3), 1e-4);
}

#[test]
fn the_numbers_do_not_depend_on_the_room_for_scores() {
    let words = config().vocab_size;
    let alike = |ours: &[Measurement], right: &[Measurement]| {
        let losses = |of: &[Measurement]| -> Vec<_> {
            of.iter().map(|m| Measurement { metrics: vec![], ..m.clone() }).collect()
        };
        close(&losses(ours), &losses(right), 1e-5);
        // As long as the actor is its reference, rounding decides which response is likelier.
        close(&ours[2..], &right[2..], 1e-5);
    };
    for (program, is_sum) in [(program(), true), (centred(), false)] {
        let with = |tokens: usize, micro_batch| {
            let settings = RunSettings { micro_batch: Some(micro_batch), lr: 1e-3, steps: Some(4), ..settings() };
            let fused = Some(FusedOptions { kept: tokens * words, ..FusedOptions::default() });
            Run { settings, program: program.clone(), fused, scale: 5.0, ..Run::new() }.go().unwrap()
        };
        let (trained, whole) = with(1000, 4);
        assert!(whole[3].grad_norm > 0.1);
        // A pair has 3 to 8 scored tokens: each pair alone, some of them together.
        for tokens in [0, 6, 12] {
            let (other, numbers) = with(tokens, 4);
            alike(&numbers, &whole);
            assert_eq!(other.weights.data == trained.weights.data, !is_sum, "room for {tokens}");
            let again = with(tokens, 4);
            assert_eq!((again.1, again.0.weights.data), (numbers, other.weights.data));
            alike(&with(tokens, 3).1, &whole);
        }
    }
}

#[test]
fn a_decoder_goes_on_bit_for_bit() {
    let outer = tempfile::tempdir().unwrap();
    for engine in [EngineKind::Fused, EngineKind::Graph] {
        let out = outer.path().join(format!("{engine:?}"));
        let base = || Run { engine: Some(engine), scale: 5.0, ..Run::new() };
        let (whole, seen) = base().go().unwrap();
        let stopped = Run { out: Some(&out), stop_after: Some(3), ..base() }.go().unwrap().0.stopped;
        assert!(stopped);
        let (last, rest) = Run { out: Some(&out), resume: true, ..base() }.go().unwrap();
        assert_eq!(rest, seen[3..]);
        assert_eq!(last.weights.data, whole.weights.data);
    }
}

#[test]
fn a_run_that_was_killed_goes_on_from_its_last_checkpoint() {
    let outer = tempfile::tempdir().unwrap();
    let out = outer.path().join("run");
    let every = || RunSettings { checkpoint_every: 3, ..settings() };
    let (whole, seen) = Run::new().go().unwrap();
    Run { settings: every(), out: Some(&out), stop_after: Some(4), ..Run::new() }.go().unwrap();
    // As if it had been killed in step 5, after it had written some metrics.
    std::fs::rename(out.join("checkpoint-4"), out.join("checkpoint-4.partial")).unwrap();
    std::fs::remove_dir_all(out.join("checkpoint-4.partial")).unwrap();
    assert!(!out.join("checkpoint-3").exists(), "only the newest is kept");
    let (again, from_start) = Run { settings: every(), out: Some(&out), resume: true, ..Run::new() }.go().unwrap();
    assert_eq!(from_start, seen);
    assert_eq!(again.weights.data, whole.weights.data);
    assert_eq!(metric::lines(&out.join("metrics.jsonl")).unwrap().len(), 8);
}

#[test]
fn a_changed_run_is_not_continued() {
    let outer = tempfile::tempdir().unwrap();
    let out = outer.path().join("run");
    let again = || Run { out: Some(&out), resume: true, ..Run::new() };
    Run { out: Some(&out), stop_after: Some(2), ..Run::new() }.go().unwrap();
    assert!(Run { out: Some(&out), ..Run::new() }.problem().contains("this folder is not empty"));
    let settings = RunSettings { lr: 0.01, ..settings() };
    assert!(Run { settings, ..again() }.problem().contains("this is another run: lr is 0.01 and was 0.05"));
    let problem = Run { program: centred(), ..again() }.problem();
    let wanted = "the algorithm has changed: where it had `loss %15` it now has `%19 = mean %";
    assert!(problem.contains(wanted), "{problem}");
    let rows = rows()[1..].to_vec();
    assert!(Run { rows, ..again() }.problem().contains("the data changed since this checkpoint was written"));
}

#[test]
fn a_number_that_is_not_finite_names_step_and_rows() {
    let settings = RunSettings { shuffle: false, micro_batch: Some(2), ..settings() };
    let problem = Run { settings, scale: 1e30, ..Run::new() }.problem();
    assert!(
        problem.starts_with("step 1: ") && problem.ends_with("finite number (rows pairs.jsonl:1, pairs.jsonl:2)"),
        "{problem}"
    );
}

#[test]
fn what_cannot_be_trained_is_said_before_the_first_step() {
    let with = |change: fn(&mut RunSettings)| {
        let mut settings = settings();
        change(&mut settings);
        Run { settings, ..Run::new() }.problem()
    };
    assert!(with(|s| s.warmup = 9).contains("warmup is 9, longer than the run of 8 steps"));
    assert!(with(|s| s.max_length = Some(65)).contains("the model reads at most 64 tokens"));
    assert!(with(|s| s.set = BTreeMap::from([("beta".to_owned(), 1.0)])).contains("has no hyper-parameter `beta`"));
    assert!(with(|s| s.batch = 0).contains("batch is 0"));
    let mut program = program();
    let Op::Input { owner, .. } = &mut program.nodes[1].op else { panic!("not an input") };
    *owner = "behavior".to_owned();
    let problem = Run { program: program.clone(), ..Run::new() }.problem();
    assert!(problem.contains("`pairs` reads the policy that drew the responses"), "{problem}");
    let Op::Input { owner, .. } = &mut program.nodes[1].op else { panic!("not an input") };
    *owner = "anchor".to_owned();
    let problem = Run { program, ..Run::new() }.problem();
    assert!(problem.contains("`pairs` reads `anchor.logp`, which training cannot give yet"), "{problem}");
}

#[test]
fn nothing_is_trained_on_a_reference() {
    let (trained, _) =
        Run { settings: RunSettings { steps: Some(1), warmup: 1, ..settings() }, ..Run::new() }.go().unwrap();
    let mut start = Weights::random(config(), 3);
    start.data.iter_mut().for_each(|w| *w *= 20.0);
    assert_eq!(trained.weights.data, start.data, "a learning rate of 0 moves nothing");
}

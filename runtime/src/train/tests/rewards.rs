//! Training reward models.

use super::{EngineKind, Measurement, Observer, Watch, close, config, letters, rows, settings};
use crate::data::{Record, Row};
use crate::model::Weights;
use crate::train::{Job, RunSettings, Trained};
use crate::{Result, device};
use collimate_dsl::ir::Program;
use collimate_dsl::{
    Arg, Formula, Pair, Prompt, Rated, Reduce, RewardModel, log_interval, log_sigmoid, squared_error, trace,
};
use std::sync::atomic::AtomicBool;

fn bradley_terry() -> Program {
    trace("bradley_terry", || {
        let (model, pair) = (RewardModel::arg(), Pair::arg());
        -log_sigmoid(model.score(pair.chosen) - model.score(pair.rejected)).mean(Prompt)
    })
}

/// The same with a price on how far the scores of the whole batch are from 0: no sum over rows, and a deviation that is
/// made of the head's number.
fn whole() -> Program {
    trace("whole", || {
        let (model, pair) = (RewardModel::arg(), Pair::arg());
        let lead = model.score(pair.chosen) - model.score(pair.rejected);
        let (a, b) = (model.spread(pair.chosen), model.spread(pair.rejected));
        let won = log_interval(-lead / (a * a + b * b).sqrt(), 1e9);
        -won.mean(Prompt) + 0.1 * lead.mean(Prompt).squared()
    })
}

fn rated() -> Program {
    trace("rated", || {
        let (model, rated) = (RewardModel::arg(), Rated::arg());
        let y = rated.response;
        let miss = rated.helpfulness_present * squared_error(model.helpfulness(y), rated.helpfulness)
            + rated.verbosity_present * squared_error(model.verbosity(y), rated.verbosity);
        miss.batch_mean() / (rated.helpfulness_present + rated.verbosity_present).batch_mean()
    })
}

fn ratings() -> Vec<Row> {
    let rate = |(i, row): (usize, Row)| {
        let present = f64::from(u8::from(i % 3 > 0));
        let record = Record::answer(row.record.prompt, &row.record.responses[0])
            .with("helpfulness", [(i % 5) as f64])
            .with("helpfulness_present", [1.0])
            .with("verbosity", [present * 2.0])
            .with("verbosity_present", [present]);
        Row { origin: row.origin, record }
    };
    rows().into_iter().enumerate().map(rate).collect()
}

struct Rewards {
    program: Program,
    view: &'static str,
    rows: Vec<Row>,
    settings: RunSettings,
    weights: Weights,
    out: Option<std::path::PathBuf>,
}

impl Rewards {
    fn new(program: Program) -> Self {
        let (view, rows) = if program.name == "rated" { ("rated", ratings()) } else { ("pair", rows()) };
        let mut weights = Weights::random(config(), 3);
        weights.data.iter_mut().filter(|w| **w != 1.0).for_each(|w| *w *= 10.0);
        let settings = RunSettings { lr: 1e-2, steps: Some(12), engine: EngineKind::Fused, ..settings() };
        Rewards { program, view, rows, settings, weights, out: None }
    }
    fn go(&self) -> Result<(Trained, Vec<Measurement>)> {
        let (stop, tokenizer, mut watch) = (AtomicBool::new(false), letters(), Watch::default());
        let job = Job {
            settings: self.settings.clone(),
            program: &self.program,
            view: self.view,
            specs: &[],
            weights: self.weights.clone(),
            teacher: None,
            critic: None,
            tokenizer: &tokenizer,
            rows: &self.rows,
            reward: None,
            sampler: None,
            eval_rows: &self.rows[..3],
            out: self.out.as_deref(),
            resume: false,
            stop: &stop,
            observer: &mut watch as &mut dyn Observer,
        };
        Ok((device::train(job)?, watch.seen))
    }
    fn problem(&self) -> String {
        self.go().map(|(trained, _)| trained.steps).unwrap_err().to_string()
    }
}

#[test]
fn a_language_model_becomes_a_reward_model_for_every_cut_and_engine() {
    for program in [bradley_terry(), whole(), rated()] {
        let with = |micro_batch, engine| {
            let mut run = Rewards::new(program.clone());
            (run.settings.micro_batch, run.settings.engine) = (Some(micro_batch), engine);
            run.go().unwrap()
        };
        let (trained, seen) = with(4, EngineKind::Fused);
        assert!(seen[11].loss < 0.9 * seen[0].loss, "{}: {} {}", program.name, seen[0].loss, seen[11].loss);
        let labels: &[&str] = match program.name.as_str() {
            "bradley_terry" => &["score"],
            "whole" => &["score", "spread"],
            _ => &["helpfulness", "verbosity"],
        };
        assert_eq!(trained.weights.labels, labels);
        close(&seen, &with(1, EngineKind::Fused).1, 2e-4);
        close(&seen, &with(3, EngineKind::Graph).1, 2e-4);
    }
}

#[test]
fn the_seed_draws_the_head_and_a_reward_model_keeps_its_own() {
    let first = |seed: u64| {
        let mut run = Rewards::new(bradley_terry());
        (run.settings.seed, run.settings.shuffle) = (seed, false);
        run.go().unwrap()
    };
    assert_eq!(first(1).1, first(1).1);
    assert_ne!(first(1).1[0].loss, first(2).1[0].loss);
    let trained = first(1).0.weights;
    let mut again = Rewards::new(bradley_terry());
    again.weights = trained.clone();
    (again.settings.steps, again.settings.lr, again.settings.warmup) = (Some(1), 1e-9, 0);
    let (kept, seen) = again.go().unwrap();
    let apart = kept.weights.data.iter().zip(&trained.data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart < 1e-6 && seen[0].loss < 0.65, "{apart} {}", seen[0].loss);
}

#[test]
fn attributes_become_one_number_as_they_are_weighed() {
    let regression = Rewards::new(rated()).go().unwrap().0.weights;
    let mut run = Rewards::new(bradley_terry());
    run.weights = regression;
    let problem = run.problem();
    let wanted = "`bradley_terry` trains a model of one number, and this one gives helpfulness, verbosity; say what each \
                  adds to it, e.g. --attributes helpfulness=1";
    assert!(problem.ends_with(wanted), "{problem}");
    run.settings.attributes = [("helpfulness".to_owned(), 1.0)].into();
    let (trained, _) = run.go().unwrap();
    assert_eq!(trained.weights.labels, ["score"]);
    run.settings.attributes = [("honesty".to_owned(), 1.0)].into();
    assert!(run.problem().ends_with("--attributes names `honesty`, but the model gives helpfulness, verbosity"));
    let mut language = Rewards::new(bradley_terry());
    language.settings.attributes = [("helpfulness".to_owned(), 1.0)].into();
    assert!(language.problem().contains("gives words and no attributes"));
    language.program = rated();
    (language.view, language.rows) = ("rated", ratings());
    assert!(language.problem().contains("reads helpfulness, verbosity of its model; leave --attributes out"));
}

#[test]
fn a_model_of_another_sort_is_refused_before_the_first_step() {
    let mut other = Rewards::new(whole());
    other.weights = Rewards::new(bradley_terry()).go().unwrap().0.weights;
    let problem = other.problem();
    assert!(problem.contains("`whole` reads score, spread of its model, but this one gives score"), "{problem}");
    let mut actor = Rewards::new(super::program());
    actor.weights = other.weights.clone();
    let problem = actor.problem();
    assert!(problem.contains("gives values (score) and no words"), "{problem}");
}

#[test]
fn a_finished_run_leaves_a_folder_with_a_head() {
    let outer = tempfile::tempdir().unwrap();
    let mut run = Rewards::new(bradley_terry());
    run.out = Some(outer.path().join("run"));
    let (trained, _) = run.go().unwrap();
    let saved = Weights::load(&outer.path().join("run/final")).unwrap();
    assert_eq!((saved.data, saved.labels), (trained.weights.data, trained.weights.labels));
}

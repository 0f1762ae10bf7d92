//! `collimate sandbox reward-models`: all ways to make a reward model, side by side.

use super::inner_run;
use super::model::{self, Loaded};
use super::progress::Runs;
use super::reward_model::{self, Exam};
use crate::Algorithm;
use crate::reward_bt::REWARD_BT;
use crate::reward_margin::REWARD_MARGIN;
use crate::reward_meanvar::REWARD_MEANVAR;
use crate::reward_regression::REWARD_REGRESSION;
use crate::reward_scaled::REWARD_SCALED;
use crate::sandbox::evaluation::Verdict;
use anyhow::Result;
use clap::ArgMatches;
use collimate_runtime::data::View;
use collimate_runtime::model::Weights;
use collimate_runtime::train::RunSettings;

/// How far beyond the stronger model ExPO goes: HelpSteer2-Preference's best (arXiv:2410.01257).
const BEYOND: f64 = 1.52;
/// A model that goes on from a regression learns for a third of the steps at half the rate, as there.
const GOES_ON: (u64, f64) = (3, 0.5);
/// Models that are trained for all the steps, for each seed.
const WHOLE_RUNS: u64 = 5;
/// What is measured, and with how many digits it is printed.
const COLUMNS: [(&str, usize); 5] =
    [("accuracy, %", 1), ("rank corr.", 3), ("within q.", 3), ("ECE", 3), ("AUROC div.", 3)];

/// The ways, in the order of the table.
const REGRESSION: &str = "regression, five attributes";
const HELPFULNESS: &str = "regression, helpfulness";
const PLAIN: &str = "Bradley-Terry";
const MARGIN: &str = "Bradley-Terry, margin";
const SCALED: &str = "Bradley-Terry, scaled";
const THEN_SCALED: &str = "helpfulness, then scaled";
const BEYOND_IT: &str = "and ExPO, alpha 1.52";
const UNSURE: &str = "regression, then mean, variance";
/// Which ways are set against which, seed by seed: the same data and the same first head.
const AGAINST: [(&str, &str); 4] =
    [(SCALED, PLAIN), (THEN_SCALED, SCALED), (BEYOND_IT, THEN_SCALED), (UNSURE, THEN_SCALED)];

pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    let seeds = *matches.get_one::<u64>("seeds").expect("has a default");
    let steps = *matches.get_one::<u64>("steps").expect("has a default");
    super::train::catch_interrupt()?;
    let language = model::load(None)?;
    let exam = Exam::new();
    let mut runs = Runs::new(seeds * (WHOLE_RUNS * steps + goes_on(steps)));
    runs.result(&format!("{}; {steps} steps for each model", exam.title()))?;
    runs.result(&format!("\n{:6}{:32}{}", "seed", "", header(13)))?;
    let mut table = Table::default();
    for seed in 0..seeds {
        let mut one = Seed { seed, steps, language: &language, exam: &exam, runs: &mut runs, table: &mut table };
        one.run()?;
    }
    runs.result(&format!("\n{:38}{}", format!("mean ± deviation, {seeds} seeds"), header(17)))?;
    for (name, seen) in &table.rows {
        runs.result(&format!("{name:38}{}", spreads(seen, false)))?;
    }
    if seeds > 1 {
        runs.result(&format!("\n{:38}{}", "difference ± its standard error", header(17)))?;
        for (name, other) in AGAINST {
            let gaps: Vec<[f64; 5]> =
                table.of(name).iter().zip(table.of(other)).map(|(a, b)| std::array::from_fn(|i| a[i] - b[i])).collect();
            runs.result(name)?;
            runs.result(&format!("{:38}{}", format!("  less {other}"), spreads(&gaps, true)))?;
        }
    }
    Ok(())
}

/// Steps of a model that goes on from another.
fn goes_on(steps: u64) -> u64 {
    (steps / GOES_ON.0).max(1)
}

fn header(width: usize) -> String {
    COLUMNS.map(|(name, _)| format!("{name:>width$}")).concat()
}

/// For each column, the mean of what was seen, and the deviation or the mean's standard error.
fn spreads(seen: &[[f64; 5]], of_mean: bool) -> String {
    let cell = |(place, (_, digits)): (usize, (&str, usize))| {
        let values: Vec<f64> = seen.iter().map(|numbers| numbers[place]).collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (squares / (count - 1.0).max(1.0)).sqrt();
        if of_mean {
            let error = deviation / count.sqrt();
            format!("{:>17}", format!("{mean:+.digits$} ± {error:.digits$}"))
        } else {
            format!("{:>17}", format!("{mean:.digits$} ± {deviation:.digits$}"))
        }
    };
    COLUMNS.into_iter().enumerate().map(cell).collect()
}

/// What was measured, of each way for each seed.
#[derive(Default)]
struct Table {
    rows: Vec<(&'static str, Vec<[f64; 5]>)>,
}

impl Table {
    fn of(&self, name: &str) -> &[[f64; 5]] {
        self.rows.iter().find(|(known, _)| *known == name).map_or(&[], |(_, seen)| seen)
    }
}

/// All ways with one seed.
struct Seed<'a> {
    seed: u64,
    steps: u64,
    language: &'a Loaded,
    exam: &'a Exam,
    runs: &'a mut Runs,
    table: &'a mut Table,
}

impl Seed<'_> {
    fn run(&mut self) -> Result<()> {
        let start = &self.language.weights;
        let regression = self.train(&REWARD_REGRESSION, start, false)?;
        let said = self.exam.sit(&regression, &self.language.tokenizer)?;
        self.keep(REGRESSION, &self.exam.verdict(&said)?)?;
        self.keep(HELPFULNESS, &self.exam.verdict(&said.only("helpfulness")?)?)?;
        for (name, algorithm) in [(PLAIN, &REWARD_BT), (MARGIN, &REWARD_MARGIN), (SCALED, &REWARD_SCALED)] {
            let trained = self.train(algorithm, start, false)?;
            self.examine(name, &trained)?;
        }
        let weak = reward_model::summed(&regression, "score", &[("helpfulness".to_owned(), 1.0)].into())?;
        let strong = self.train(&REWARD_SCALED, &weak, true)?;
        self.examine(THEN_SCALED, &strong)?;
        self.examine(BEYOND_IT, &weak.towards(&strong, BEYOND)?)?;
        let unsure = self.train(&REWARD_MEANVAR, &regression.with_head(&["score", "spread"], self.seed), false)?;
        self.examine(UNSURE, &unsure)
    }

    fn examine(&mut self, name: &'static str, weights: &Weights) -> Result<()> {
        self.runs.does("answers are rated");
        let verdict = self.exam.verdict(&self.exam.sit(weights, &self.language.tokenizer)?)?;
        self.keep(name, &verdict)
    }

    fn keep(&mut self, name: &'static str, verdict: &Verdict) -> Result<()> {
        let numbers =
            [verdict.accuracy.mean, verdict.rank, verdict.rank_within.mean, verdict.calibration, verdict.auroc];
        let cells = COLUMNS.iter().zip(numbers).map(|((_, digits), number)| format!("{number:>13.digits$}"));
        self.runs.result(&format!("{:<6}{name:32}{}", self.seed, cells.collect::<String>()))?;
        match self.table.rows.iter_mut().find(|(known, _)| *known == name) {
            Some((_, seen)) => seen.push(numbers),
            None => self.table.rows.push((name, vec![numbers])),
        }
        Ok(())
    }

    fn train(&mut self, algorithm: &'static Algorithm, from: &Weights, further: bool) -> Result<Weights> {
        self.runs.next(format!("seed {}, {}", self.seed, super::command_name(algorithm.name)));
        let whole = reward_model::defaults();
        let (steps, lr) = if further { (goes_on(self.steps), whole.lr * GOES_ON.1) } else { (self.steps, whole.lr) };
        let settings =
            RunSettings { steps: Some(steps), lr, warmup: whole.warmup.min(steps), seed: self.seed, ..whole };
        let view = View::of(&(algorithm.trace)(), algorithm.view)?;
        let rows = reward_model::rows(&view, algorithm.view, steps as usize * settings.batch, self.seed)?;
        inner_run::train(algorithm, settings, from.clone(), &self.language.tokenizer, &rows, self.runs)
    }
}

//! `collimate sandbox reward-models`: all ways to make a reward model, side by side.

use super::model::{self, Loaded};
use super::{inner_run, reward_model};
use crate::Algorithm;
use crate::reward_bt::REWARD_BT;
use crate::reward_margin::REWARD_MARGIN;
use crate::reward_meanvar::REWARD_MEANVAR;
use crate::reward_regression::REWARD_REGRESSION;
use crate::reward_scaled::REWARD_SCALED;
use anyhow::Result;
use clap::ArgMatches;
use collimate_runtime::data::View;
use collimate_runtime::model::Weights;
use collimate_runtime::train::RunSettings;
use std::io::Write;

/// How far beyond the stronger model ExPO goes: HelpSteer2-Preference's best (arXiv:2410.01257).
const BEYOND: f64 = 1.52;
/// A model that goes on from a regression learns for a third of the steps at half the rate, as there.
const GOES_ON: (u64, f64) = (3, 0.5);
/// What is measured.
const COLUMNS: [&str; 5] = ["accuracy, %", "rank corr.", "within q.", "ECE", "AUROC div."];

pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    let seeds = *matches.get_one::<u64>("seeds").expect("has a default");
    let steps = *matches.get_one::<u64>("steps").expect("has a default");
    super::train::catch_interrupt()?;
    let language = model::load(None)?;
    let mut rows: Vec<(&str, Vec<[f64; 5]>)> = Vec::new();
    let mut keep = |name, weights: &Weights| -> Result<()> {
        let verdict = reward_model::verdict(weights, &language.tokenizer)?.verdict;
        let numbers =
            [verdict.accuracy.mean, verdict.rank, verdict.rank_within.mean, verdict.calibration, verdict.auroc];
        match rows.iter_mut().find(|(known, _)| *known == name) {
            Some((_, seen)) => seen.push(numbers),
            None => rows.push((name, vec![numbers])),
        }
        Ok(())
    };
    for seed in 0..seeds {
        let train = |algorithm: &'static Algorithm, from: &Weights| {
            Run { steps, seed, goes_on: false }.go(algorithm, from, &language)
        };
        let regression = train(&REWARD_REGRESSION, &language.weights)?;
        keep("regression, five attributes", &regression)?;
        let weak = reward_model::summed(&regression, "score", &[("helpfulness".to_owned(), 1.0)].into())?;
        keep("regression, helpfulness", &weak)?;
        for (name, algorithm) in [
            ("Bradley-Terry", &REWARD_BT),
            ("Bradley-Terry, margin", &REWARD_MARGIN),
            ("Bradley-Terry, scaled", &REWARD_SCALED),
        ] {
            keep(name, &train(algorithm, &language.weights)?)?;
        }
        let strong = Run { steps, seed, goes_on: true }.go(&REWARD_SCALED, &weak, &language)?;
        keep("regression, then scaled", &strong)?;
        keep("and ExPO, alpha 1.52", &weak.towards(&strong, BEYOND)?)?;
        keep("mean and variance", &train(&REWARD_MEANVAR, &language.weights)?)?;
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nheld-out questions of the sandbox; mean and deviation over {seeds} seeds, {steps} steps each")?;
    writeln!(out, "{:30}{}", "", COLUMNS.map(|name| format!("{name:>16}")).concat())?;
    for (name, seen) in rows {
        let cell = |place: usize| {
            let values: Vec<f64> = seen.iter().map(|numbers| numbers[place]).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let deviation = (squares / (values.len().max(2) - 1) as f64).sqrt();
            let digits = if place == 0 { 1 } else { 3 };
            format!("{:>16}", format!("{mean:.digits$} ± {deviation:.digits$}"))
        };
        writeln!(out, "{name:30}{}", (0..COLUMNS.len()).map(cell).collect::<String>())?;
    }
    Ok(())
}

/// One training run of the table.
struct Run {
    steps: u64,
    seed: u64,
    goes_on: bool,
}

impl Run {
    fn go(&self, algorithm: &'static Algorithm, from: &Weights, language: &Loaded) -> Result<Weights> {
        eprintln!("seed {}: {}", self.seed, algorithm.name);
        let whole = reward_model::defaults();
        let (steps, lr) =
            if self.goes_on { (self.steps / GOES_ON.0, whole.lr * GOES_ON.1) } else { (self.steps, whole.lr) };
        let settings =
            RunSettings { steps: Some(steps.max(1)), lr, warmup: whole.warmup.min(steps), seed: self.seed, ..whole };
        let view = View::of(&(algorithm.trace)(), algorithm.view)?;
        let rows = reward_model::rows(&view, algorithm.view, steps as usize * settings.batch, self.seed)?;
        inner_run::train(algorithm, settings, from.clone(), &language.tokenizer, &rows, "stopped; nothing was written")
    }
}

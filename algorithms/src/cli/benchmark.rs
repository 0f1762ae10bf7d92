//! `collimate eval --reward-model`: how often a reward model prefers what is better.

use super::model::{self, Loaded};
use super::reward_model;
use crate::measure::benchmark::{self, Counted, Item};
use anyhow::{Context, Result};
use clap::ArgMatches;
use collimate_runtime::data::{Origin, Record, Row, View};
use collimate_runtime::reward::RewardModel;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(super) fn run(folder: &Path, matches: &ArgMatches) -> Result<()> {
    let mut loaded = model::load(Some(folder))?;
    if let Some(text) = matches.get_one::<String>("attributes") {
        loaded.weights =
            reward_model::summed(&loaded.weights, "score", &reward_model::attributes("attributes", text)?)?;
    }
    let Some(data) = matches.get_one::<PathBuf>("data") else {
        return reward_model::report(&loaded.weights, &loaded.tokenizer);
    };
    let (format, items, even) = benchmark::read(data)?;
    let scores = scores(&loaded, data, &items)?;
    if even > 0 {
        eprintln!("note: {even} rows were left out, their annotators prefer neither response");
    }
    let counted = Counted::new(format, &items, &scores);
    writeln!(std::io::stdout().lock(), "{}: {} rows\n{}", format.name(), items.len(), table(&counted))?;
    Ok(())
}

/// The scores of every item's better and worse responses.
fn scores(loaded: &Loaded, path: &Path, items: &[Item]) -> Result<Vec<(Vec<f64>, Vec<f64>)>> {
    let model = RewardModel::new(loaded.weights.clone(), &loaded.tokenizer)?;
    let place = model.labels().iter().position(|label| label == "score");
    let place = place.or((model.labels().len() == 1).then_some(0)).with_context(|| {
        let labels = model.labels().join(", ");
        format!("the model gives {labels} and no score; say what each adds to one, e.g. --attributes helpfulness=1")
    })?;
    let origin: Arc<Path> = Arc::from(path);
    let row = |item: &Item| Row {
        origin: Origin { path: Arc::clone(&origin), line: item.line },
        record: Record {
            conversation: item.conversation.clone(),
            ..Record::group(item.prompt.clone(), [item.better.clone(), item.worse.clone()].concat())
        },
    };
    let rows: Vec<Row> = items.iter().map(row).collect();
    let values = model.values(&rows, &View::group())?;
    let split = |(values, item): (Vec<Vec<f64>>, &Item)| {
        let mut scores: Vec<f64> = values.into_iter().map(|numbers| numbers[place]).collect();
        let worse = scores.split_off(item.better.len());
        (scores, worse)
    };
    Ok(values.into_iter().zip(items).map(split).collect())
}

fn table(counted: &Counted) -> String {
    let mut lines = vec![format!("{:34}{:>12}{:>9}", "", "accuracy, %", "pairs")];
    let mut line = |name: &str, accuracy: f64, pairs: usize| {
        lines.push(format!("{name:34}{:>12.1}{pairs:>9}", 100.0 * accuracy));
    };
    line("overall", counted.overall, counted.pairs);
    for part in counted.parts.iter().chain(&counted.levels) {
        line(&format!("  {}", part.name), part.accuracy, part.pairs);
    }
    lines.push(format!("{:34}{:>12.3}", "calibration error", counted.calibration));
    if let Some(auroc) = counted.auroc {
        lines.push(format!("{:34}{auroc:>12.3}", "AUROC of divided pairs, by -|gap|"));
    }
    lines.join("\n") + "\n"
}

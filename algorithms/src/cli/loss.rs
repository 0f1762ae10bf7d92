//! `collimate loss`: an algorithm on given numbers.

use super::{numbers::Numbers, settings, state};
use crate::Algorithm;
use anyhow::{Context, Result};
use clap::ArgMatches;
use collimate_dsl::eval::{Measured, give_state, next_state};
use collimate_dsl::ir::STATE;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::PathBuf;

pub(super) fn run(algorithms: &[&'static Algorithm], matches: &ArgMatches) -> Result<()> {
    let algorithm = super::find(algorithms, matches.get_one::<String>("name").expect("required"))?;
    let path = matches.get_one::<PathBuf>("numbers").expect("required");
    let settings = settings::settings(algorithm, matches)?;
    let program = (algorithm.trace)();

    let text = std::fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))?;
    let mut json: Value = serde_json::from_str(&text).with_context(|| format!("{}: not JSON", path.display()))?;
    let given = state::take(&program, &settings, &mut json).with_context(|| path.display().to_string())?;
    let mut numbers = Numbers::read(&program, &json).with_context(|| path.display().to_string())?;
    give_state(&mut numbers.inputs, &given);

    let (layout, inputs) = (&numbers.layout, &numbers.inputs);
    let totals = layout.totals();
    let evaluation = match matches.get_one::<String>("backend").expect("has a default").as_str() {
        "dfdx" => collimate_runtime::compile::evaluate(&program, layout, &totals, inputs, &settings)
            .with_context(|| path.display().to_string())?,
        _ => collimate_dsl::eval::evaluate(&program, layout, &totals, inputs, &settings)
            .map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?,
    };
    let mut answer = json!({
        "loss": evaluation.loss,
        "gradient": numbers.gradient(&evaluation.gradient),
        "metrics": metrics(&evaluation.metrics),
    });
    if !given.is_empty() {
        let next = next_state(&program, &evaluation.shares, &given, &settings);
        answer[STATE] = json!(next.map_err(|e| anyhow::anyhow!("{}: {e}", path.display()))?);
    }
    writeln!(std::io::stdout().lock(), "{answer}")?;
    Ok(())
}

fn metrics(measured: &[Measured]) -> Map<String, Value> {
    measured.iter().map(|m| (m.name.clone(), json!(m.mean()))).collect()
}

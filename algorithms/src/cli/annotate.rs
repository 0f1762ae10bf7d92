//! `collimate annotate`: what an attribute predictor says of responses, as a file to learn from.

use super::model;
use crate::sandbox::Attributes;
use crate::steering::Labels;
use anyhow::{Context, Result};
use clap::ArgMatches;
use collimate_runtime::data::{Row, View, read};
use collimate_runtime::model::Weights;
use collimate_runtime::reward::RewardModel;
use collimate_runtime::tokenizer::Tokenizer;
use collimate_runtime::write_whole;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    let path = |name: &str| matches.get_one::<PathBuf>(name).expect("required");
    let loaded = model::load(Some(path("reward-model")))?;
    let rows = read(&[path("data")], &View::demo())?;
    let labels = labels(&loaded.weights, &loaded.tokenizer, &rows)?;
    let out = path("out");
    write_whole(out, lines(&rows, &labels).as_bytes())?;
    writeln!(std::io::stdout().lock(), "{}: {} responses", out.display(), rows.len())?;
    Ok(())
}

/// What the predictor says of each row's response, as whole numbers from 0 to 4.
pub(super) fn labels(predictor: &Weights, tokenizer: &Tokenizer, rows: &[Row]) -> Result<Vec<Labels>> {
    let model = RewardModel::new(predictor.clone(), tokenizer)?;
    let places = Attributes::NAMES.map(|name| model.labels().iter().position(|label| label == name));
    places.iter().flatten().next().with_context(|| {
        let labels = model.labels().join(", ");
        format!("the model gives {labels} and no attribute of HelpSteer; train one with reward-regression")
    })?;
    let values = model.values(rows, &View::demo())?;
    Ok(values.iter().map(|of| Labels::predicted(places.map(|place| place.map(|place| of[0][place])))).collect())
}

/// Rows as HelpSteer has them.
pub(super) fn lines(rows: &[Row], labels: &[Labels]) -> String {
    let line = |(row, labels): (&Row, &Labels)| {
        let mut object = row.record.prompt_fields();
        object.insert("response".to_owned(), json!(row.record.responses[0]));
        let rated = Attributes::NAMES
            .iter()
            .zip(labels.0)
            .filter_map(|(name, label)| Some(((*name).to_owned(), json!(label?))));
        object.extend(rated);
        format!("{}\n", serde_json::Value::Object(object))
    };
    rows.iter().zip(labels).map(line).collect()
}

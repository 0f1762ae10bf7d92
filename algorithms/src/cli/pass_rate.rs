//! `collimate pass-rate`: how often a model solves each prompt of a file.

use super::generate::respond_to;
use super::{model, reward};
use crate::rewards::HostReward;
use anyhow::Result;
use clap::ArgMatches;
use collimate_runtime::data;
use collimate_runtime::sample::Sampling;
use collimate_runtime::train::{Answer, DrawSettings, Dtype};
use collimate_runtime::write_whole;
use serde_json::{Map, Value};
use std::io::Write;
use std::path::PathBuf;

pub(super) fn run(rewards: &[&'static HostReward], matches: &ArgMatches) -> Result<()> {
    let files: Vec<PathBuf> = matches.get_many("data").unwrap_or_default().cloned().collect();
    let number = |name: &str| *matches.get_one::<f64>(name).expect("has a default");
    let rows = data::read_prompts(&files)?;
    let named = matches.get_many::<String>("reward").unwrap_or_default().cloned().collect();
    let draw = DrawSettings { reward: named, ..DrawSettings::default() };
    let mut judge = reward::combined(&draw, rewards, &rows, ("cpu", Dtype::F32))?;
    let loaded = model::asked(matches)?;
    let settings = Sampling {
        samples: *matches.get_one("samples").expect("has a default"),
        max_new_tokens: *matches.get_one("max-new-tokens").expect("has a default"),
        temperature: number("temperature"),
        seed: *matches.get_one("seed").expect("has a default"),
        ..Sampling::default()
    };
    let written = respond_to(&loaded.weights, &loaded.tokenizer, &rows, settings)?;
    let (mut lines, mut rates, mut kept) = (String::new(), 0.0, 0);
    for (row, responses) in rows.iter().zip(&written) {
        let answer = |response: &super::generate::Response| response.sample.ended;
        let answers: Vec<_> = responses.iter().map(|r| Answer { row, text: &r.text, ended: answer(r) }).collect();
        let worth = judge.judge(&answers)?;
        let count = worth.len() as f64;
        let rate = worth.iter().filter(|worth| **worth >= number("pass")).count() as f64 / count;
        rates += rate;
        if (number("above")..=number("below")).contains(&rate) {
            let mut object: Map<String, Value> = row.record.prompt_fields();
            object.extend(row.record.fields.clone());
            object.insert("pass_rate".to_owned(), rate.into());
            object.insert("threshold".to_owned(), (worth.iter().sum::<f64>() / count).into());
            lines += &format!("{}\n", Value::Object(object));
            kept += 1;
        }
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "pass rate {:.3} of {} prompts", rates / rows.len() as f64, rows.len())?;
    if let Some(path) = matches.get_one::<PathBuf>("out") {
        write_whole(path, lines.as_bytes())?;
        writeln!(out, "{kept} of them written to {}", path.display())?;
    }
    Ok(())
}

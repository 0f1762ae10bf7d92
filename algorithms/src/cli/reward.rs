//! `--reward NAME=WEIGHT`: what responses that are drawn are worth.

use super::nearest;
use crate::rewards::{Combined, HostReward, Source, Term};
use anyhow::{Context, Result, bail};
use collimate_runtime::data::Row;
use collimate_runtime::train::{DrawSettings, Dtype};
use std::path::Path;

/// The sum of the rewards that are named; the sandbox's judge if none is. Reward models are asked on the device of this name.
///
/// # Errors
/// If there is no such reward, or none is named and the judge does not know the questions.
pub(super) fn combined(
    draw: &DrawSettings,
    rewards: &[&'static HostReward],
    rows: &[Row],
    (device, dtype): (&str, Dtype),
) -> Result<Combined> {
    if draw.reward.is_empty() {
        let judge = &crate::rewards::JUDGE;
        if let Some(row) = rows.iter().find(|row| crate::sandbox::Question::read(&row.record.prompt).is_none()) {
            bail!(
                "{}: the judge of the sandbox does not know this question; say with --reward what responses are worth \
                 (`collimate list rewards`)",
                row.origin
            );
        }
        return Ok(Combined { terms: vec![Term { weight: 1.0, source: Source::Host(judge) }], gate: draw.gate });
    }
    let mut terms = Vec::new();
    for text in &draw.reward {
        let (name, weight) = match text.rsplit_once('=') {
            Some((name, weight)) => {
                let number = weight.parse().ok().filter(|weight: &f64| weight.is_finite());
                (name, number.with_context(|| format!("--reward {text}: `{weight}` is not a number"))?)
            }
            None => (text.as_str(), 1.0),
        };
        if terms.iter().any(|term: &Term| term.source.name() == name.replace('-', "_")) {
            bail!("--reward {text}: `{name}` is given twice");
        }
        terms.push(Term { weight, source: source(name, rewards, (device, dtype))? });
    }
    Ok(Combined { terms, gate: draw.gate })
}

fn source(name: &str, rewards: &[&'static HostReward], (device, dtype): (&str, Dtype)) -> Result<Source> {
    let wanted = name.replace('-', "_");
    if let Some(reward) = rewards.iter().find(|reward| reward.name == wanted) {
        return Ok(Source::Host(reward));
    }
    if Path::new(name).is_dir() {
        return Ok(crate::rewards::reward_model_on(device, dtype, Path::new(name))?);
    }
    let names: Vec<String> = rewards.iter().map(|reward| super::command_name(reward.name)).collect();
    let hint = match nearest(name, names.iter().map(String::as_str)) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("there are {}, or name a reward model's folder", names.join(", ")),
    };
    bail!("--reward {name}: there is no such reward; {hint}")
}

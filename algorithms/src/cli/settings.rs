//! `--set name=value`: hyper-parameters, checked against what the algorithm declares.

use super::{command_name, nearest};
use crate::Algorithm;
use crate::eval::Settings;
use anyhow::{Context, Result, bail};
use clap::ArgMatches;

/// The algorithm's defaults with what `--set` changes.
pub(super) fn settings(algorithm: &Algorithm, matches: &ArgMatches) -> Result<Settings> {
    let mut settings = (algorithm.hyper)().iter().map(|s| (s.name.to_owned(), s.default)).collect();
    change(algorithm, matches, &mut settings)?;
    Ok(settings)
}

/// `name=number,…`, each once.
pub(super) fn numbers(option: &str, text: &str, example: &str) -> Result<Settings> {
    let mut numbers = Settings::new();
    for part in text.split(',').map(str::trim) {
        let (name, value) =
            part.split_once('=').with_context(|| format!("--{option} {text}: write NAME=NUMBER,…, e.g. {example}"))?;
        let number = value.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        let number = number.with_context(|| format!("--{option} {text}: `{value}` is not a number"))?;
        if numbers.insert(name.trim().to_owned(), number).is_some() {
            bail!("--{option} {text}: `{name}` is given twice");
        }
    }
    Ok(numbers)
}

/// Makes the changes of `--set`.
pub(super) fn change(algorithm: &Algorithm, matches: &ArgMatches, settings: &mut Settings) -> Result<()> {
    let specs = (algorithm.hyper)();
    let mut seen: Vec<&str> = vec![];
    for text in matches.get_many::<String>("set").unwrap_or_default() {
        let (name, value) =
            text.split_once('=').with_context(|| format!("--set {text}: write NAME=VALUE, e.g. --set beta=0.2"))?;
        let Some(spec) = specs.iter().find(|s| s.name == name) else {
            let names: Vec<_> = specs.iter().map(|s| s.name).collect();
            let hint = match nearest(name, names.iter().copied()) {
                Some(n) => format!("did you mean `{n}`?"),
                None if names.is_empty() => "it has none".to_owned(),
                None => format!("it has {}", names.join(", ")),
            };
            bail!("--set {text}: `{}` has no hyper-parameter `{name}`; {hint}", command_name(algorithm.name));
        };
        if seen.contains(&name) {
            bail!("--set {text}: `{name}` is given twice");
        }
        seen.push(name);
        let number: f64 =
            value.trim().parse().ok().with_context(|| format!("--set {text}: `{value}` is not a number"))?;
        if !spec.allows(number) {
            let whole = if spec.whole { "a whole number, " } else { "" };
            bail!("--set {text}: `{name}` must be {whole}{} ({})", spec.range, spec.about.trim().trim_end_matches('.'));
        }
        settings.insert(name.to_owned(), number);
    }
    Ok(())
}

//! `report.html`: one page that tells a run, with nothing to load and nothing to run.

mod chart;
mod scale;

use crate::checkpoint::disk;
use crate::metric;
use crate::train::RunSettings;
use crate::{Error, Result};
use chart::{Chart, Curve};
use scale::shown;
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Curves that belong into one picture, by their names.
const TOGETHER: [(&str, &[&str]); 14] = [
    ("Reward", &["reward"]),
    ("Loss", &["loss"]),
    ("Implicit rewards", &["rewards/chosen", "rewards/rejected"]),
    ("Reward margin", &["rewards/margins"]),
    ("Reward accuracy", &["rewards/accuracies"]),
    ("Log-probability of a response", &["logps/chosen", "logps/rejected", "logps/answer", "logps/sample"]),
    ("Divergence from the start", &["kl"]),
    ("Spread of a group's rewards", &["reward_std"]),
    ("Groups without spread", &["frac_reward_zero_std"]),
    ("Tokens of a response", &["completions/mean_length"]),
    ("Responses cut before their end", &["completions/clipped_ratio"]),
    ("Length of the gradient", &["grad_norm"]),
    ("Learning rate", &["lr"]),
    ("Tokens a second", &["tokens/s"]),
];

/// Writes a run's `report.html` and says where it is.
///
/// # Errors
/// If the folder holds no run, or cannot be written to.
pub fn write(run: &Path) -> Result<PathBuf> {
    if !run.join("run.toml").is_file() {
        return Err(Error::file(run, "there is no run here (no run.toml); name the folder that was given as --out"));
    }
    let settings = RunSettings::read(&run.join("run.toml"))?;
    let program = run.join("program.txt");
    let program =
        std::fs::read_to_string(&program).map_err(|e| Error::file(program, format!("cannot be read: {e}")))?;
    let metrics = run.join("metrics.jsonl");
    let lines = if metrics.exists() { metric::lines(&metrics)? } else { Vec::new() };
    let path = run.join("report.html");
    let finished = run.join("final").exists();
    disk::write_whole(&path, page(&settings, &program, &lines, finished).as_bytes())?;
    Ok(path)
}

/// The whole page.
fn page(settings: &RunSettings, program: &str, lines: &[Map<String, Value>], finished: bool) -> String {
    let model = if settings.model.is_empty() { "the built-in model" } else { &settings.model };
    let title = format!("{} · {}", escaped(&settings.algorithm), escaped(model));
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>{title}</h1>\n<p class=\"lead\">{}</p>\n",
        summary(lines, finished)
    );
    html.push_str("<div class=\"charts\">\n");
    for chart in charts(lines) {
        html.push_str(&chart.figure());
    }
    html.push_str("</div>\n");
    let held_out = held_out(lines);
    if !held_out.is_empty() {
        html.push_str("<h2>On rows it was not trained on</h2>\n");
        html.push_str(&table(held_out.iter().map(|(name, value)| (name.as_str(), shown(*value)))));
    }
    html.push_str("<h2>Settings</h2>\n");
    let relevant = rows(settings);
    html.push_str(&table(relevant.iter().map(|(name, value)| (name.as_str(), value.clone()))));
    let _ = write!(html, "<h2>Program</h2>\n<pre>{}</pre>\n</main>\n</body>\n</html>\n", escaped(program.trim_end()));
    html
}

/// One sentence on how far the run came.
fn summary(lines: &[Map<String, Value>], finished: bool) -> String {
    let number = |line: &Map<String, Value>, name: &str| line.get(name).and_then(Value::as_f64);
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return "No step was made yet.".to_owned();
    };
    let total = |name: &str| lines.iter().filter_map(|line| number(line, name)).sum::<f64>();
    let loss = match (number(first, "loss"), number(last, "loss")) {
        (Some(first), Some(last)) => format!(", the loss went from {} to {}", shown(first), shown(last)),
        _ => String::new(),
    };
    let end = if finished { "" } else { " The run is not finished." };
    format!("{} steps, {} tokens in {}{loss}.{end}", lines.len(), grouped(total("tokens")), duration(total("seconds")))
}

/// A picture for every group of curves that the run has, then one for each name that is in no group.
fn charts(lines: &[Map<String, Value>]) -> Vec<Chart> {
    let mut names: Vec<&str> = Vec::new();
    for name in lines.iter().flat_map(Map::keys) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let points = |name: &str| -> Vec<(f64, f64)> {
        let point = |line: &Map<String, Value>| {
            let number = |name: &str| line.get(name).and_then(Value::as_f64);
            let value = if name == "tokens/s" {
                number("tokens")? / number("seconds").filter(|seconds| *seconds > 0.0)?
            } else {
                number(name)?
            };
            Some((number("step")?, value))
        };
        lines.iter().filter_map(point).collect()
    };
    let known = TOGETHER.iter().map(|(title, names)| ((*title).to_owned(), names.to_vec()));
    let grouped = |name: &str| TOGETHER.iter().any(|(_, names)| names.contains(&name));
    let plain =
        |name: &&str| !grouped(name) && !["step", "tokens", "seconds"].contains(name) && !name.starts_with("eval/");
    let others = names.iter().copied().filter(plain).map(|name| (name.to_owned(), vec![name]));
    let with_points = known.chain(others).map(|(title, names)| {
        let about = match names[..] {
            [name] => metric::about(name),
            _ => None,
        };
        let curves = names.into_iter().map(|name| Curve { name: name.to_owned(), points: points(name) });
        let curves: Vec<_> = curves.filter(|curve| !curve.points.is_empty()).collect();
        Chart { title, about, curves }
    });
    with_points.filter(|chart| !chart.curves.is_empty()).collect()
}

fn held_out(lines: &[Map<String, Value>]) -> Vec<(String, f64)> {
    let last = lines.iter().rev().find(|line| line.keys().any(|name| name.starts_with("eval/")));
    let values = last.into_iter().flatten();
    values.filter_map(|(name, value)| Some((name.strip_prefix("eval/")?.to_owned(), value.as_f64()?))).collect()
}

/// Every setting and its value.
fn rows(settings: &RunSettings) -> Vec<(String, String)> {
    let table = toml::Table::try_from(settings).expect("settings are plain numbers and words");
    let mut rows = Vec::new();
    for (name, value) in table {
        match value {
            toml::Value::Table(inner) => rows.extend(inner.into_iter().map(|(name, value)| (name, value.to_string()))),
            toml::Value::String(text) => rows.push((name, text)),
            other => rows.push((name, other.to_string())),
        }
    }
    rows
}

fn table<'a>(rows: impl Iterator<Item = (&'a str, String)>) -> String {
    let row =
        |(name, value): (&str, String)| format!("<tr><th>{}</th><td>{}</td></tr>\n", escaped(name), escaped(&value));
    format!("<table>\n{}</table>\n", rows.map(row).collect::<String>())
}

/// Text that can stand in HTML, between tags and in attributes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A whole number with its thousands apart.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let start = digits.len() % 3;
    let (first, rest) = digits.split_at(start);
    let rest: Vec<_> = (0..rest.len()).step_by(3).map(|i| &rest[i..i + 3]).collect();
    [first].into_iter().filter(|first| !first.is_empty()).chain(rest).collect::<Vec<_>>().join("\u{202f}")
}

fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) => format!("{} s", shown(seconds)),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

const STYLE: &str = "\
:root{--ink:#1d2433;--soft:#677084;--line:#e3e7ee;--ground:#fff;--panel:#f7f8fb}\
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,sans-serif}\
main{max-width:66rem;margin:0 auto;padding:2rem 1.25rem 4rem}\
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2.5rem 0 .75rem}\
.lead{color:var(--soft);margin:.25rem 0 2rem}\
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,28rem),1fr));gap:1.25rem}\
figure{margin:0;padding:1rem;border:1px solid var(--line);border-radius:8px}\
figcaption{font-weight:600;margin-bottom:.5rem}figcaption small{display:block;color:var(--soft);font-weight:400}\
svg{display:block;width:100%;height:auto;font:11px system-ui,sans-serif}\
svg text{fill:var(--soft)}.grid{stroke:var(--line);stroke-width:1}\
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin-top:.5rem;font-size:.85rem;color:var(--soft)}\
.legend i{display:inline-block;width:.9rem;height:.2rem;margin-right:.4rem;vertical-align:middle;border-radius:2px}\
table{border-collapse:collapse;font-size:.9rem}th{text-align:left;font-weight:400;color:var(--soft);padding:.2rem 1.5rem .2rem 0}\
td{padding:.2rem 0;font-variant-numeric:tabular-nums}tr+tr{border-top:1px solid var(--line)}\
pre{background:var(--panel);border-radius:8px;padding:1rem;overflow-x:auto;font:13px/1.45 ui-monospace,monospace}";

#[cfg(test)]
mod tests;

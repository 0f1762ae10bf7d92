//! `collimate list`

use super::command_name;
use crate::Algorithm;
use anyhow::Result;
use std::io::Write;

pub(super) fn run(algorithms: &[&'static Algorithm]) -> Result<()> {
    let rows: Vec<[String; 4]> = algorithms
        .iter()
        .map(|a| {
            let line = a.about.split("\n\n").next().unwrap_or("").replace('\n', " ");
            [command_name(a.name), a.paper.to_owned(), columns(a.view).to_owned(), line.trim().to_owned()]
        })
        .collect();
    let heading = ["algorithm", "paper", "data", ""].map(str::to_owned);
    let width = |column: usize| rows.iter().chain([&heading]).map(|r| r[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut out = std::io::stdout().lock();
    for row in [&heading].into_iter().chain(&rows) {
        let line = format!(
            "{:a$}  {:b$}  {:c$}  {}",
            row[0],
            row[1],
            row[2],
            row[3],
            a = widths[0],
            b = widths[1],
            c = widths[2]
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The columns a data view is read from.
pub(super) fn columns(view: &str) -> &'static str {
    match view {
        "pair" => "prompt, chosen, rejected",
        "scored_pair" => "prompt, chosen, rejected, chosen_score, rejected_score",
        "demo" => "prompt, completion",
        "group" => "prompt, responses, scores",
        _ => "see explain",
    }
}

//! A page of the book about one algorithm and its presets, in Markdown.

use super::facts::Facts;
use super::page::{cited, sections};
use super::{difference, formula_latex, layout::one_line, mathml, subject};
use crate::Algorithm;
use std::fmt::Write as _;

/// The page. Places in source files are named without lines: those move with every remark.
#[must_use]
pub fn chapter(algorithm: &Algorithm, presets: &[&Algorithm]) -> String {
    let (program, specs) = ((algorithm.trace)(), (algorithm.hyper)());
    let about = subject(algorithm, &program, &specs);
    let command = algorithm.name.replace('_', "-");
    let mut page = format!("# {command}\n\n{}\n\n{}\n", said(algorithm.about), citation(algorithm));
    let written = formula_latex(&about);
    for (title, body) in sections(&about, &Facts::of(&about)) {
        let shown = match (title.as_str(), &written) {
            ("Formula", Some((formula, _))) => mathml::block(formula) + "\n",
            ("Gradient", Some((_, gradient))) => mathml::block(gradient) + "\n",
            _ => String::new(),
        };
        let _ = write!(page, "\n## {title}\n\n{shown}{}", block(&body));
    }
    if !presets.is_empty() {
        page += "\n## Presets\n";
    }
    for preset in presets {
        let _ = write!(page, "\n{}", variation(algorithm, preset));
    }
    let setting = specs.first().map_or(String::new(), |spec| format!(" --set {}={}", spec.name, spec.default));
    let _ = write!(
        page,
        "\n## How to run it\n\n```sh\ncollimate {command}\ncollimate {command} --model DIR --data FILE.jsonl{setting}\n```\n\n\
         Without `--model` and `--data` it trains the built-in model in the sandbox, if that has such data. \
         `collimate loss {command} numbers.json` evaluates it on log-probabilities of your own.\n"
    );
    if let Some((formula, gradient)) = written {
        let _ = write!(page, "\n## LaTeX\n\n```latex\n{formula}\n{gradient}```\n");
    }
    page
}

/// A preset: whose it is, and where it parts from the algorithm.
fn variation(algorithm: &Algorithm, preset: &Algorithm) -> String {
    let mut section =
        format!("### {}\n\n{}\n\n{}\n", preset.name.replace('_', "-"), said(preset.about), citation(preset));
    let page = difference(algorithm, preset);
    let body: Vec<&str> = page.lines().skip(3).collect();
    if body.get(1) == Some(&"  identical") {
        section += "\nThe formula is the same.\n";
        let rest: Vec<&str> = body.into_iter().skip_while(|line| !line.is_empty()).skip(1).collect();
        if !rest.is_empty() {
            let _ = write!(section, "\n{}", block(&(rest.join("\n") + "\n")));
        }
    } else {
        let _ = write!(section, "\n{}", block(&(body.join("\n") + "\n")));
    }
    section
}

fn citation(algorithm: &Algorithm) -> String {
    let paper = (!algorithm.paper.is_empty()).then(|| format!("Paper: {}.", link(&cited(algorithm.paper))));
    let source = algorithm.preset.map(|preset| format!("As in {}.", preset.source));
    let file = format!("Source: `{}`.", algorithm.file);
    [paper, source, Some(file)].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// `arXiv:1, https://arxiv.org/abs/1` as a link.
fn link(cited: &str) -> String {
    match cited.split_once(", https://") {
        Some((name, address)) => format!("[{name}](https://{address})"),
        None => cited.to_owned(),
    }
}

/// The paragraphs of a documentation, without links to other items.
fn said(about: &str) -> String {
    about.split("\n\n").map(one_line).collect::<Vec<_>>().join("\n\n").replace("[`", "`").replace("`]", "`")
}

fn block(body: &str) -> String {
    let lines: String =
        without_lines(body).lines().map(|line| format!("{}\n", line.strip_prefix("  ").unwrap_or(line))).collect();
    format!("```text\n{lines}```\n")
}

/// `src/dpo.rs` instead of `src/dpo.rs:14:9`.
fn without_lines(text: &str) -> String {
    let mut parts = text.split(".rs:");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(".rs");
        kept.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':'));
    }
    kept
}

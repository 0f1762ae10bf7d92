//! Reward models: what they train on in the sandbox, and how good they are there.

use super::settings;
use crate::sandbox::data::{self, Line, Panel};
use crate::sandbox::evaluation::{Trial, Verdict};
use crate::sandbox::{Attributes, Split};
use anyhow::{Context, Result, bail};
use collimate_dsl::ir::Program;
use collimate_runtime::data::{Origin, Record, Row, View, read_line};
use collimate_runtime::model::Weights;
use collimate_runtime::reward::RewardModel;
use collimate_runtime::tokenizer::Tokenizer;
use collimate_runtime::train::RunSettings;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// People whose opinions the sandbox's rows are made of, and how many of them say something about a row.
const PEOPLE: usize = 60;
const ASKED: usize = 5;
/// Answers to a question that are rated.
const ANSWERS: usize = 4;
/// Held-out questions that reward models are compared on.
const QUESTIONS: usize = 200;
/// Questions that are not held out, on which is found how much being unsure counts.
const QUESTIONS_TO_TUNE_ON: usize = 100;
/// By how much an uncertain model's deviations may count against its gap when it says over which pairs people are divided:
/// as arXiv:2410.14632 does, the best is found on other questions.
const UNSURE: [f64; 7] = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

/// Does this program train a reward model?
pub(super) fn trains(program: &Program) -> bool {
    program.inputs().any(|(_, owner, _, ty)| owner == "reward_model" && ty.live)
}

/// How a reward model is trained in the sandbox unless options say otherwise.
pub(super) fn defaults() -> RunSettings {
    RunSettings { steps: Some(300), batch: 32, lr: 1e-3, warmup: 20, ..RunSettings::default() }
}

/// `name=weight,…`
pub(super) fn attributes(option: &str, text: &str) -> Result<BTreeMap<String, f64>> {
    settings::numbers(option, text, "helpfulness=1,verbosity=-0.5")
}

/// A model of several attributes as one of a single number.
pub(super) fn summed(weights: &Weights, label: &str, attributes: &BTreeMap<String, f64>) -> Result<Weights> {
    if let Some(unknown) = attributes.keys().find(|name| !weights.labels.contains(name)) {
        bail!("--attributes names `{unknown}`, but the model gives {}", weights.labels.join(", "));
    }
    let share = |label: &String| attributes.get(label).copied().unwrap_or(0.0);
    Ok(weights.with_summed_head(label, &weights.labels.iter().map(share).collect::<Vec<_>>())?)
}

/// What a reward model trains on in the sandbox: answers by writers of all sorts, and what people say of them.
pub(super) fn rows(view: &View, name: &str, count: usize, seed: u64) -> Result<Vec<Row>> {
    let panel = Panel::new(PEOPLE, 0);
    let lines: Vec<String> = match name {
        "rated" => {
            let questions = count.div_ceil(ANSWERS);
            let mut rated = data::ratings_by(questions, ANSWERS, Split::Train, Some(&panel), ASKED, seed);
            rated.truncate(count);
            rated.iter().map(|rating| rating.json().to_string()).collect()
        }
        "annotated" => compared(count, &panel, seed, |_| true),
        // Who cannot say which is better says nothing that a pair could hold.
        "pair" => compared(count, &panel, seed, |comparison| comparison.strength() != 0),
        other => bail!("the sandbox has no rows of the view `{other}` for a reward model; give --data"),
    };
    read(&lines, view)
}

/// These answers with what people say of them, as rows of a view of rated responses.
pub(super) fn rated(answers: Vec<data::Demonstration>, view: &View, seed: u64) -> Result<Vec<Row>> {
    let rated = data::rated_by(answers, &Panel::new(PEOPLE, 0), ASKED, seed);
    read(&rated.iter().map(|rating| rating.json().to_string()).collect::<Vec<_>>(), view)
}

fn read(lines: &[String], view: &View) -> Result<Vec<Row>> {
    let path: Arc<Path> = Arc::from(Path::new("sandbox"));
    let read =
        |(i, line): (usize, &String)| Ok(read_line(Origin { path: Arc::clone(&path), line: i + 1 }, line, view)?);
    lines.iter().enumerate().map(read).collect()
}

/// So many comparisons that may be used, as lines of a file.
fn compared(count: usize, panel: &Panel, seed: u64, usable: impl Fn(&data::Comparison) -> bool) -> Vec<String> {
    let mut lines = Vec::with_capacity(count);
    let mut part = seed;
    while lines.len() < count {
        let drawn = data::comparisons_by(count, Split::Train, panel, ASKED, part);
        lines.extend(drawn.iter().filter(|comparison| usable(comparison)).map(|c| c.json().to_string()));
        part = part.wrapping_add(1 << 32);
    }
    lines.truncate(count);
    lines
}

/// The sandbox's held-out questions, and others to tune on.
pub(super) struct Exam {
    trial: Trial,
    tuning: Trial,
}

/// What a model says of the answers of an exam.
pub(super) struct Sat {
    held_out: Said,
    /// Of those to tune on, where the model says how unsure it is.
    tuning: Option<Said>,
}

impl Exam {
    pub(super) fn new() -> Self {
        Exam { trial: Trial::new(QUESTIONS), tuning: Trial::to_tune_on(QUESTIONS_TO_TUNE_ON) }
    }

    pub(super) fn title(&self) -> String {
        format!("{QUESTIONS} held-out questions, all pairs of 6 answers")
    }

    /// Asks a model.
    pub(super) fn sit(&self, weights: &Weights, tokenizer: &Tokenizer) -> Result<Sat> {
        let model = RewardModel::new(weights.clone(), tokenizer)?;
        let held_out = Said::of(&model, &self.trial)?;
        let tuning = held_out.spreads.is_some().then(|| Said::of(&model, &self.tuning)).transpose()?;
        Ok(Sat { held_out, tuning })
    }

    /// How good its scores are.
    pub(super) fn verdict(&self, Sat { held_out, tuning }: &Sat) -> Result<Verdict> {
        let mut verdict = self.trial.verdict(&held_out.scores, None);
        let tuned = tuning.as_ref().and_then(|there| Some((there, there.spreads.as_ref()?)));
        if let (Some(spreads), Some((there, known))) = (&held_out.spreads, tuned) {
            let worth = |weight: f64| self.tuning.auroc(&there.scores, Some((known, weight)));
            let best = UNSURE.into_iter().max_by(|a, b| worth(*a).total_cmp(&worth(*b))).expect("there are some");
            verdict.auroc = self.trial.auroc(&held_out.scores, Some((spreads, best)));
        }
        Ok(verdict)
    }
}

impl Sat {
    /// The same with one attribute for a score.
    pub(super) fn only(&self, attribute: &str) -> Result<Sat> {
        let of = |said: &Said| -> Result<Said> {
            let found = said.attributes.iter().find(|(name, _)| *name == attribute);
            let (_, scores) = found.with_context(|| format!("the model does not give {attribute}"))?;
            Ok(Said { scores: scores.clone(), spreads: None, attributes: Vec::new() })
        };
        Ok(Sat { held_out: of(&self.held_out)?, tuning: None })
    }
}

/// What a model says of the answers of a trial: for each question, of each answer.
struct Said {
    scores: Vec<Vec<f64>>,
    spreads: Option<Vec<Vec<f64>>>,
    attributes: Vec<(&'static str, Vec<Vec<f64>>)>,
}

impl Said {
    fn of(model: &RewardModel<&Tokenizer>, trial: &Trial) -> Result<Self> {
        let path: Arc<Path> = Arc::from(Path::new("answers of the sandbox"));
        let row = |(i, (prompt, answers)): (usize, (&str, &[String]))| Row {
            origin: Origin { path: Arc::clone(&path), line: i + 1 },
            record: Record::group(prompt, answers.iter().map(|answer| format!(" {answer}")).collect()),
        };
        let rows: Vec<Row> = trial.answers().enumerate().map(row).collect();
        let values = model.values(&rows, &View::group())?;
        let labels = model.labels();
        let shares = shares(labels)?;
        let each = |take: &dyn Fn(&[f64]) -> f64| -> Vec<Vec<f64>> {
            values.iter().map(|row| row.iter().map(|numbers| take(numbers)).collect()).collect()
        };
        let one = |place: usize| each(&|numbers| numbers[place]);
        let named = |(place, label): (usize, &String)| {
            Some((*Attributes::NAMES.iter().find(|name| *name == label)?, one(place)))
        };
        Ok(Said {
            scores: each(&|numbers| numbers.iter().zip(&shares).map(|(number, share)| number * share).sum()),
            spreads: labels.iter().position(|label| label == "spread").map(one),
            attributes: labels.iter().enumerate().filter_map(named).collect(),
        })
    }
}

/// What each label adds to one number: all of it where there is a score; else the judge's weights of the attributes.
pub(super) fn shares(labels: &[String]) -> Result<Vec<f64>> {
    if let [_] = labels {
        return Ok(vec![1.0]);
    }
    if labels.iter().any(|label| label == "score") {
        return Ok(labels.iter().map(|label| f64::from(u8::from(label == "score"))).collect());
    }
    let weight = |label: &String| {
        let place = Attributes::NAMES.iter().position(|name| name == label);
        place.map(|place| Attributes::WEIGHTS[place]).with_context(|| {
            format!(
                "the model gives `{label}`, which is neither a score nor an attribute of HelpSteer; name what counts"
            )
        })
    };
    labels.iter().map(weight).collect()
}

/// Prints how good a reward model is in the sandbox.
pub(super) fn report(weights: &Weights, tokenizer: &Tokenizer) -> Result<()> {
    let exam = Exam::new();
    let sat = exam.sit(weights, tokenizer)?;
    let of = |(name, numbers): &(&'static str, Vec<Vec<f64>>)| (*name, exam.trial.rank_of(name, numbers));
    let attributes: Vec<(&str, f64)> = sat.held_out.attributes.iter().map(of).collect();
    writeln!(std::io::stdout().lock(), "\n{}\n{}", exam.title(), table(&exam.verdict(&sat)?, &attributes))?;
    Ok(())
}

fn table(verdict: &Verdict, attributes: &[(&str, f64)]) -> String {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| lines.push(format!("{name:38}{value:>14}"));
    line("accuracy against the judge, %", format!("{:.1}", verdict.accuracy));
    line("rank correlation with the judge", format!("{:.3}", verdict.rank));
    line("  within a question", format!("{:.3}", verdict.rank_within));
    for (name, rank) in attributes {
        line(&format!("  of {name}"), format!("{rank:.3}"));
    }
    line("calibration error (people's votes)", format!("{:.3}", verdict.calibration));
    line("AUROC of divided pairs", format!("{:.3}", verdict.auroc));
    lines.push(format!("\n{:38}{:>14}{:>8}", "by kind of question", "accuracy, %", "pairs"));
    for (family, accuracy, pairs) in &verdict.by_family {
        lines.push(format!("  {family:36}{:>14}{pairs:>8}", format!("{accuracy:.1}")));
    }
    lines.join("\n") + "\n"
}

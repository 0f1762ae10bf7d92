//! SteerLM: data whose prompts carry ratings, the whole loop in the sandbox, and how well a model can be steered.

use super::generate::respond;
use super::model::Loaded;
use super::progress::Training;
use super::{annotate, inner_run, reward_model};
use crate::reward_regression::REWARD_REGRESSION;
use crate::sandbox::data::{self, Demonstration};
use crate::sandbox::evaluation::questions;
use crate::sandbox::{Attributes, Question, Random};
use crate::steering::{HIGHEST, Labels};
use anyhow::Result;
use collimate_runtime::data::{Origin, Record, Row, View};
use collimate_runtime::model::{Precision, Weights};
use collimate_runtime::sample::Sampling;
use collimate_runtime::tokenizer::Tokenizer;
use collimate_runtime::train::RunSettings;
use collimate_runtime::write_whole;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How often a label is left out of a prompt, so that a model can be told some without the others.
const UNSAID: f64 = 0.2;
/// Optimizer steps of the sandbox's attribute predictor.
const PREDICTOR_STEPS: u64 = 300;
/// Of so many answers that a model learns from, one has its labels from the predictor, the others from people.
const PREDICTED: usize = 3;
/// Held-out questions that are asked with each label.
const QUESTIONS: usize = 200;
/// What is asked for besides the one label that changes: what goes with every value of it. Helpfulness is the judge's summary of the
/// others, so nothing is said of it; an answer that uses more than one learned word is a long one.
const OTHERS: Labels = Labels([None, Some(4), Some(4), Some(1), Some(2)]);
/// How these answers are drawn: as arXiv:2406.08673 draws them, so that what is asked for shows and what slips in does not.
const TEMPERATURE: f64 = 0.7;
const TOP_P: f64 = 0.9;
/// An answer of the sandbox is a sentence or two; the longest that can be asked for take more.
const ANSWER_TOKENS: usize = 96;

/// How the sandbox's loop is run unless options say otherwise.
pub(super) fn defaults() -> RunSettings {
    RunSettings { steps: Some(800), batch: 32, lr: 2e-3, warmup: 30, ..RunSettings::default() }
}

/// Demonstrations whose prompts carry the ratings that their rows have.
pub(super) fn read(paths: &[PathBuf], seed: u64) -> Result<Vec<Row>> {
    let rated = collimate_runtime::data::read(paths, &View::rated())?;
    let labels: Vec<Labels> = rated.iter().map(|row| labels(&row.record)).collect();
    Ok(conditioned(&rated, &labels, seed))
}

/// The ratings of a row.
fn labels(record: &Record) -> Labels {
    let number = |field: &str| record.numbers.get(field).and_then(|values| values.first()).copied();
    let one = |name: &str| number(name).filter(|_| number(&format!("{name}_present")) == Some(1.0));
    Labels::predicted(Attributes::NAMES.map(one))
}

/// The same rows with their labels in the prompt, each left out now and then.
fn conditioned(rows: &[Row], labels: &[Labels], seed: u64) -> Vec<Row> {
    let mut random = Random::new(seed).fork("labels left out");
    let mut one = |(row, labels): (&Row, &Labels)| {
        let said = Labels(labels.0.map(|label| label.filter(|_| !random.chance(UNSAID))));
        let record = Record::answer(said.within(&row.record.prompt), &row.record.responses[0]).with("weight", [1.0]);
        Row { origin: row.origin.clone(), record }
    };
    rows.iter().zip(labels).map(&mut one).collect()
}

/// What the first two steps of the loop gave.
pub(super) struct Annotated {
    predictor: Weights,
    /// Answers with what the predictor says of them, as a file.
    lines: String,
    /// Demonstrations whose prompts carry labels: these, and before them the answers that people rated, with what they said.
    pub(super) rows: Vec<Row>,
}

/// The loop's first two steps in the sandbox: a predictor of attributes is trained on answers that people rated, and says
/// what it thinks of other answers. There are `count` rows in all.
pub(super) fn annotated(loaded: &Loaded, count: usize, seed: u64) -> Result<Annotated> {
    eprintln!("training an attribute predictor on rated answers");
    let algorithm = &REWARD_REGRESSION;
    let settings = RunSettings { steps: Some(PREDICTOR_STEPS), seed, ..reward_model::defaults() };
    let by_predictor = count / PREDICTED;
    let by_people = (count - by_predictor).max(PREDICTOR_STEPS as usize * settings.batch);
    let mut answers = data::told_answers(by_people + by_predictor, seed);
    let others = answers.split_off(by_people);
    let rated = reward_model::rated(answers, &View::of(&(algorithm.trace)(), algorithm.view)?, seed)?;
    let predictor =
        inner_run::train(algorithm, settings, loaded.weights.clone(), &loaded.tokenizer, &rated, &mut Training::new())?;
    eprintln!("it says what it thinks of {by_predictor} other answers");
    let path: Arc<Path> = Arc::from(Path::new("sandbox"));
    let row = |(i, d): (usize, Demonstration)| Row {
        origin: Origin { path: Arc::clone(&path), line: i + 1 },
        record: Record::answer(d.prompt, d.completion),
    };
    let others: Vec<Row> = others.into_iter().enumerate().map(row).collect();
    let predicted = annotate::labels(&predictor, &loaded.tokenizer, &others)?;
    let said: Vec<Labels> = rated.iter().map(|row| labels(&row.record)).collect();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", shares("labels by people, %", &said))?;
    writeln!(out, "{}", shares("by the predictor, %", &predicted))?;
    let mut rows = conditioned(&rated[..count - by_predictor], &said, seed);
    rows.extend(conditioned(&others, &predicted, !seed));
    Ok(Annotated { predictor, lines: annotate::lines(&others, &predicted), rows })
}

/// How often each label was given, in percent.
fn shares(title: &str, labels: &[Labels]) -> String {
    let header = (0..=HIGHEST).map(|label| format!("{label:>7}")).collect::<String>();
    let mut lines = vec![format!("{title:20}{header}")];
    for (place, name) in Attributes::NAMES.iter().enumerate() {
        let share = |label: u8| {
            let given = labels.iter().filter(|labels| labels.0[place] == Some(label)).count();
            format!("{:>7.1}", 100.0 * given as f64 / labels.len().max(1) as f64)
        };
        lines.push(format!("{name:20}{}", (0..=HIGHEST).map(share).collect::<String>()));
    }
    lines.join("\n") + "\n"
}

impl Annotated {
    /// Writes the predictor and the annotated answers into the run's folder.
    pub(super) fn save(&self, out: &Path, tokenizer: &Tokenizer) -> Result<()> {
        let folder = out.join("predictor");
        self.predictor.save(&folder, Precision::F32)?;
        tokenizer.files().write(&folder)?;
        write_whole(&out.join("annotated.jsonl"), self.lines.as_bytes())?;
        Ok(())
    }
}

/// What is asked for besides the one label that changes.
fn others(place: usize) -> Labels {
    let mut labels = OTHERS;
    // Half of helpfulness is correctness: nobody can be unhelpful and right.
    if place == 0 {
        labels.0[1] = None;
    }
    labels.0[place] = None;
    labels
}

/// Asks held-out questions with one label after the other set to every value, and prints what the judge says of the
/// answers.
pub(super) fn report(weights: &Weights, tokenizer: &Tokenizer, seed: u64) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let questions = questions(QUESTIONS);
    writeln!(
        out,
        "\n{QUESTIONS} held-out questions, temperature {TEMPERATURE}, top-p {TOP_P}; what the judge finds when one label is asked for, beside those in brackets\n"
    )?;
    let header = (0..=HIGHEST).map(|label| format!("{label:>6}")).collect::<String>();
    let ends: String = Attributes::NAMES.iter().map(|name| format!("{name:>13}")).collect();
    writeln!(out, "{:26}{header}  monotone   from 0 to {HIGHEST}:{ends}   most of another", "label")?;
    for (place, name) in Attributes::NAMES.iter().enumerate() {
        let others = others(place);
        let mut found: Vec<[f64; 5]> = Vec::new();
        for label in 0..=HIGHEST {
            let mut labels = others;
            labels.0[place] = Some(label);
            found.push(measured(weights, tokenizer, &questions, labels, seed)?);
        }
        let means: String = found.iter().map(|of| format!("{:>6.2}", of[place])).collect();
        let last = found[usize::from(HIGHEST)];
        let moved: [f64; 5] = std::array::from_fn(|i| last[i] - found[0][i]);
        let shown: String = moved.iter().map(|moved| format!("{moved:>+13.2}")).collect();
        let rises = if found.windows(2).all(|two| two[0][place] < two[1][place]) { "yes" } else { "no" };
        let aside = (0..5).filter(|other| *other != place).max_by(|a, b| moved[*a].abs().total_cmp(&moved[*b].abs()));
        let aside = aside.expect("there are others");
        let share = 100.0 * (moved[aside] / moved[place]).abs();
        writeln!(
            out,
            "{:26}{means}  {rises:8}   {:12}{shown}   {share:.0} %, {}",
            format!("{name} ({others})"),
            "",
            Attributes::NAMES[aside]
        )?;
    }
    Ok(())
}

/// The mean of each attribute over answers to prompts that carry these labels.
fn measured(
    weights: &Weights,
    tokenizer: &Tokenizer,
    questions: &[Question],
    labels: Labels,
    seed: u64,
) -> Result<[f64; 5]> {
    let prompts: Vec<String> = questions.iter().map(|question| labels.within(&question.prompt())).collect();
    let sampling =
        Sampling { max_new_tokens: ANSWER_TOKENS, seed, temperature: TEMPERATURE, top_p: TOP_P, ..Sampling::default() };
    let answers = respond(weights, tokenizer, &prompts, sampling)?;
    let mut sums = [0.0; 5];
    for (question, answer) in questions.iter().zip(&answers) {
        let judged = question.judge(&answer[0].text).values();
        sums.iter_mut().zip(judged).for_each(|(sum, value)| *sum += value / questions.len() as f64);
    }
    Ok(sums)
}

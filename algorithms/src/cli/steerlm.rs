//! SteerLM: data whose prompts carry ratings, the whole loop in the sandbox, and how well a model can be steered.

use super::generate::respond;
use super::model::Loaded;
use super::progress::Training;
use super::{annotate, inner_run, reward_model};
use crate::reward_regression::REWARD_REGRESSION;
use crate::sandbox::data::{self, Demonstration};
use crate::sandbox::evaluation::{Estimate, questions};
use crate::sandbox::{Attributes, Question, Random};
use crate::steering::{HIGHEST, Labels};
use anyhow::{Result, bail};
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
/// Optimizer steps of the sandbox's attribute predictor. What is right it learns last: what it says of that and the truth are
/// correlated by about 0.3 after 300 steps, 0.5 after these.
const PREDICTOR_STEPS: u64 = 800;
/// Of so many answers that a model learns from, one has its labels from the predictor, the others from people.
const PREDICTED: usize = 3;
/// Held-out questions that are asked with each label.
const QUESTIONS: usize = 1000;
/// What is asked for besides the one label that changes: everything else, each at a value that goes with every one of it.
/// Helpfulness rises with correctness unless it is held, and an answer that uses many learned words is a long one.
const OTHERS: Labels = Labels([Some(2), Some(4), Some(4), Some(0), Some(2)]);
/// An attribute may move another by less than this share of what it moves itself.
const MOST_OF_ANOTHER: f64 = 0.5;
/// An answer of the sandbox is a sentence or two; the longest that can be asked for take more.
const ANSWER_TOKENS: usize = 96;

/// How the sandbox's loop is run unless options say otherwise.
pub(super) fn defaults() -> RunSettings {
    RunSettings { steps: Some(1000), batch: 32, lr: 2e-3, warmup: 30, ..RunSettings::default() }
}

/// Demonstrations whose prompts carry the ratings that their rows have.
pub(super) fn read(paths: &[PathBuf], seed: u64) -> Result<Vec<Row>> {
    let rated = collimate_runtime::data::read(paths, &View::rated())?;
    if let Some(row) = rated.iter().find(|row| row.record.conversation.is_some()) {
        bail!(
            "{}: labels are written into a prompt of text, and this one is a list of messages; write it as text, rendered with \
             the model's chat template",
            row.origin
        );
    }
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

/// Asks held-out questions with one label after the other set to every value, and prints what the judge says of the
/// answers. They are drawn from the model as it is: what it learned is how often each answer comes with a label, and a
/// temperature below 1 would show the likeliest alone, which is the same for neighbouring labels.
pub(super) fn report(weights: &Weights, tokenizer: &Tokenizer, seed: u64) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let questions = questions(QUESTIONS);
    writeln!(
        out,
        "\n{} held-out questions; what the judge finds when one label is asked for, beside those in brackets\n",
        questions.len()
    )?;
    let header = (0..=HIGHEST).map(|label| format!("{label:>6}")).collect::<String>();
    let ends: String = Attributes::NAMES.iter().map(|name| format!("{name:>13}")).collect();
    writeln!(out, "{:26}{header}   error  from 0 to {HIGHEST}:{ends}   most of another", "label")?;
    for (place, name) in Attributes::NAMES.iter().enumerate() {
        let others = Labels(std::array::from_fn(|i| OTHERS.0[i].filter(|_| i != place)));
        let mut found: Vec<[Estimate; 5]> = Vec::new();
        for label in 0..=HIGHEST {
            let mut labels = others;
            labels.0[place] = Some(label);
            found.push(measured(weights, tokenizer, &questions, labels, seed)?);
        }
        let means: Vec<[f64; 5]> = found.iter().map(|of| of.map(|estimate| estimate.mean)).collect();
        let shown: String = means.iter().map(|of| format!("{:>6.2}", of[place])).collect();
        let error = found.iter().map(|of| of[place].error).fold(0.0, f64::max);
        let steered = Steered::of(place, &means);
        let moved: String = steered.moved.iter().map(|moved| format!("{moved:>+13.2}")).collect();
        writeln!(
            out,
            "{:26}{shown}   {error:>5.2}  {:12}{moved}   {:.0} %, {}: {}",
            format!("{name} ({others})"),
            "",
            100.0 * steered.share,
            Attributes::NAMES[steered.most],
            if steered.holds() { "holds" } else { "fails" }
        )?;
    }
    writeln!(
        out,
        "\n\"holds\": the mean rises with every step of its label, and no other attribute moves by {:.0} % of that",
        100.0 * MOST_OF_ANOTHER
    )?;
    Ok(())
}

/// What changing one label did.
struct Steered {
    /// Does the attribute rise with every step of its label?
    rises: bool,
    /// By how much each attribute moved from the lowest label to the highest.
    moved: [f64; 5],
    /// The other attribute that moved most, and how much of what this one did.
    most: usize,
    share: f64,
}

impl Steered {
    /// From the means of all attributes with each label of the one at `place`.
    fn of(place: usize, means: &[[f64; 5]]) -> Self {
        let (first, last) = (means[0], means[means.len() - 1]);
        let moved: [f64; 5] = std::array::from_fn(|i| last[i] - first[i]);
        let others = (0..moved.len()).filter(|other| *other != place);
        let most = others.max_by(|a, b| moved[*a].abs().total_cmp(&moved[*b].abs())).expect("there are others");
        Steered {
            rises: means.windows(2).all(|two| two[0][place] < two[1][place]),
            moved,
            most,
            share: (moved[most] / moved[place]).abs(),
        }
    }

    fn holds(&self) -> bool {
        self.rises && self.share < MOST_OF_ANOTHER
    }
}

/// The mean of each attribute over answers to prompts that carry these labels.
fn measured(
    weights: &Weights,
    tokenizer: &Tokenizer,
    questions: &[Question],
    labels: Labels,
    seed: u64,
) -> Result<[Estimate; 5]> {
    let prompts: Vec<String> = questions.iter().map(|question| labels.within(&question.prompt())).collect();
    let sampling = Sampling { max_new_tokens: ANSWER_TOKENS, seed, ..Sampling::default() };
    let answers = respond(weights, tokenizer, &prompts, sampling)?;
    let judged: Vec<[f64; 5]> =
        questions.iter().zip(&answers).map(|(question, answer)| question.judge(&answer[0].text).values()).collect();
    Ok(std::array::from_fn(|place| Estimate::of(&judged.iter().map(|values| values[place]).collect::<Vec<_>>())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_that_stands_still_once_or_takes_another_along_fails() {
        let steps = |of: [f64; 5], other: f64| {
            let means: Vec<[f64; 5]> =
                of.iter().enumerate().map(|(i, x)| [1.0, *x, 4.0 - other * i as f64, 0.0, 2.0]).collect();
            Steered::of(1, &means)
        };
        let good = steps([0.5, 1.0, 1.5, 2.0, 2.5], 0.2);
        assert!(good.holds() && good.most == 2 && (good.share - 0.4).abs() < 1e-9);
        assert!(!steps([0.5, 1.0, 1.0, 2.0, 2.5], 0.2).holds());
        assert!(!steps([0.5, 1.0, 1.5, 2.0, 2.5], 0.25).holds());
        assert!(!steps([2.5, 2.0, 1.5, 1.0, 0.5], 0.0).holds());
    }
}

//! `collimate sandbox steerlm2`: SteerLM 2.0's iterations (arXiv:2406.08673, section 5.2) on a model that `steerlm` made.

use super::generate::respond;
use super::progress::Training;
use super::{inner_run, model};
use crate::sandbox::evaluation::{Estimate, questions};
use crate::sandbox::{Attributes, Split, data};
use crate::steering::{Edges, Labels, log_likelihood};
use crate::steerlm2::STEERLM2;
use anyhow::{Context, Result, bail};
use clap::ArgMatches;
use collimate_runtime::data::{Origin, Record, Row, View};
use collimate_runtime::device;
use collimate_runtime::model::{Parameters, Precision, Sequences, Weights};
use collimate_runtime::reward::RewardModel;
use collimate_runtime::sample::Sampling;
use collimate_runtime::tokenizer::Tokenizer;
use collimate_runtime::train::{EngineKind, RunSettings};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is asked for: as good as can be, and of middling length and learning.
const TARGET: [u8; 5] = [4, 4, 4, 2, 2];
/// Answers to each prompt.
const ANSWERS: usize = 8;
/// Prompts of an iteration, and rows of an optimizer step.
const PROMPTS: usize = 640;
const BATCH: usize = 16;
/// Held-out questions for the table.
const QUESTIONS: usize = 200;
const ANSWER_TOKENS: usize = 96;

pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    let folder = matches.get_one::<PathBuf>("model").expect("required");
    let iterations = *matches.get_one::<u64>("iterations").expect("has a default");
    let seed = *matches.get_one::<u64>("seed").expect("has a default");
    let out = matches.get_one::<PathBuf>("out").expect("required");
    let mut steered = model::load(Some(&folder.join("final")))?;
    let predictor = Weights::load(&folder.join("predictor"))
        .with_context(|| format!("{} is no folder of a steerlm run in the sandbox", folder.display()))?;
    let plain = model::load(None)?;
    super::train::catch_interrupt()?;
    let show = |line: &str| writeln!(std::io::stdout().lock(), "{line}");
    let asked = Labels(TARGET.map(Some));
    show(&format!("{QUESTIONS} held-out questions, asked for {asked}; what the judge finds\n"))?;
    show(&format!("{:12}{}{:>14}", "", Attributes::NAMES.map(|name| format!("{name:>13}")).concat(), "reward"))?;
    show(&found("SteerLM", &steered.weights, &steered.tokenizer, seed)?)?;
    for iteration in 1..=iterations {
        eprintln!("iteration {iteration}: {ANSWERS} answers to each of {PROMPTS} prompts, and what they should weigh");
        let drawn = seed.wrapping_add(iteration << 16);
        let rows = weighed(&steered.weights, &plain.weights, &predictor, &steered.tokenizer, drawn)?;
        steered.weights = follow(steered.weights, &steered.tokenizer, &rows, drawn)?;
        show(&found(&format!("iteration {iteration}"), &steered.weights, &steered.tokenizer, seed)?)?;
    }
    steered.weights.save(out, Precision::F32)?;
    steered.tokenizer.files().write(out)?;
    show(&format!("\nmodel   {}", out.display()))?;
    Ok(())
}

/// Answers of the steered model to prompts with the target's labels, each with its share of
/// `P(a | x, y) P(y | x) / Q'(y | x, a)`.
fn weighed(
    steered: &Weights,
    plain: &Weights,
    predictor: &Weights,
    tokenizer: &Tokenizer,
    seed: u64,
) -> Result<Vec<Row>> {
    let bare = data::prompts(PROMPTS, Split::Train, seed);
    let labels = Labels(TARGET.map(Some));
    let carried: Vec<String> = bare.iter().map(|prompt| labels.within(prompt)).collect();
    // The paper draws at temperature 0.7 and top-p 0.9; here every answer must have a probability, so nothing is cut off.
    let sampling = Sampling { samples: ANSWERS, max_new_tokens: ANSWER_TOKENS, seed, ..Sampling::default() };
    let answers = respond(steered, tokenizer, &carried, sampling)?;
    let path: Arc<Path> = Arc::from(Path::new("sandbox"));
    let row = |i: usize, prompt: &str, texts: Vec<String>| Row {
        origin: Origin { path: Arc::clone(&path), line: i + 1 },
        record: Record::group(prompt, texts),
    };
    let texts = |i: usize| -> Vec<String> { answers[i].iter().map(|answer| answer.text.clone()).collect() };
    let plain_rows: Vec<Row> = bare.iter().enumerate().map(|(i, prompt)| row(i, prompt, texts(i))).collect();
    let predicted = RewardModel::new(predictor.clone(), tokenizer)?;
    let places = Attributes::NAMES.map(|name| predicted.labels().iter().position(|label| label == name));
    if places.contains(&None) {
        bail!("the predictor has to give all five attributes; it gives {}", predicted.labels().join(", "));
    }
    let predicted = predicted.values(&plain_rows, &View::group())?;
    let engine = device::cpu(EngineKind::Fused, Arc::new(Parameters::frozen(plain.clone())))?;
    let mut rows = Vec::with_capacity(bare.len());
    for (i, prompt) in bare.iter().enumerate() {
        let mut sequences = Sequences::default();
        let context = tokenizer.spans(prompt, &[])?.prompt;
        answers[i].iter().for_each(|answer| sequences.push(&context, &answer.sample.tokens));
        let scored = engine.score(&sequences)?;
        let mut rest = &scored[..];
        let mut logs = Vec::with_capacity(ANSWERS);
        for (answer, values) in answers[i].iter().zip(&predicted[i]) {
            let (own, others) = rest.split_at(answer.sample.tokens.len());
            rest = others;
            let sum = |logp: &[f32]| logp.iter().map(|x| f64::from(*x)).sum::<f64>();
            let attributes: f64 = places
                .iter()
                .zip(TARGET)
                .filter_map(|(place, label)| Some(log_likelihood(values[(*place)?], label, Edges::default())))
                .sum();
            logs.push(attributes + sum(own) - sum(&answer.sample.logp));
        }
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let grown: Vec<f64> = logs.iter().map(|log| (log - largest).exp()).collect();
        let total: f64 = grown.iter().sum();
        let weights: Vec<f64> = grown.iter().map(|weight| weight / total).collect();
        let mut carried = row(i, &carried[i], texts(i));
        carried.record = carried.record.with("weight", weights);
        rows.push(carried);
    }
    Ok(rows)
}

/// One pass over the weighed answers.
fn follow(weights: Weights, tokenizer: &Tokenizer, rows: &[Row], seed: u64) -> Result<Weights> {
    let settings = RunSettings { epochs: Some(2), batch: BATCH, lr: 1e-4, warmup: 5, seed, ..RunSettings::default() };
    inner_run::train(&STEERLM2, settings, weights, tokenizer, rows, &mut Training::new())
}

/// What the judge finds in answers to held-out questions with the target's labels.
fn found(name: &str, weights: &Weights, tokenizer: &Tokenizer, seed: u64) -> Result<String> {
    let questions = questions(QUESTIONS);
    let labels = Labels(TARGET.map(Some));
    let prompts: Vec<String> = questions.iter().map(|question| labels.within(&question.prompt())).collect();
    let sampling = Sampling { max_new_tokens: ANSWER_TOKENS, seed, ..Sampling::default() };
    let answers = respond(weights, tokenizer, &prompts, sampling)?;
    let judged: Vec<Attributes> = questions.iter().zip(&answers).map(|(q, a)| q.judge(&a[0].text)).collect();
    let mean = |of: &dyn Fn(&Attributes) -> f64| Estimate::of(&judged.iter().map(of).collect::<Vec<_>>());
    let attributes: String = (0..5).map(|place| format!("{:>13.2}", mean(&|a| a.values()[place]).mean)).collect();
    Ok(format!("{name:12}{attributes}{:>14}", mean(&Attributes::reward).to_string()))
}

//! `collimate sandbox`, and what training runs take from the sandbox.

use super::generate::respond;
use super::model::Loaded;
use super::{reward_model, steerlm};
use crate::Algorithm;
use crate::sandbox::evaluation::{Comparison, Estimate, questions};
use crate::sandbox::{Attributes, Question, Random, Split, base, data, judge};
use anyhow::{Context, Result, bail};
use clap::ArgMatches;
use collimate_runtime::data::{Origin, Record, Row};
use collimate_runtime::model::{Parameters, Precision, Sequences, Weights};
use collimate_runtime::sample::Sampling;
use collimate_runtime::tokenizer::Tokenizer;
use collimate_runtime::train::{DrawSettings, EngineKind, RunSettings};
use collimate_runtime::{device, write_whole};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Held-out questions that policies are compared on.
const QUESTIONS: usize = 200;

/// An answer of the sandbox is a sentence or two; nobody needs more than this.
const ANSWER_TOKENS: usize = 64;

pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    match matches.subcommand() {
        Some(("data", m)) => write_data(m),
        Some(("arithmetic", m)) => write_arithmetic(m),
        Some(("judge", m)) => judge_one(m),
        Some(("model", m)) => write_model(m),
        Some(("train", m)) => make_model(m),
        Some(("reward-models", m)) => super::reward_table::run(m),
        Some(("steerlm2", m)) => super::steerlm2::run(m),
        _ => unreachable!("a subcommand is required"),
    }
}

/// Questions that a model answers to make preference data, and its answers to each.
const ASKED: usize = 1600;
const ANSWERS: usize = 4;

/// Questions that a policy answers as it trains; then they come again.
const PROMPTS: usize = 20_000;

/// What an algorithm trains on in the sandbox: for supervised training, right answers; for all else, the model's own
/// answers to questions that are not held out, as the judge sees them.
pub(super) fn rows(view: &str, model: &Loaded, count: usize, seed: u64) -> Result<Vec<Row>> {
    let records: Vec<Record> = match view {
        "demo" => data::demonstrations(count, seed).into_iter().map(demonstrated).collect(),
        "pair" | "scored_pair" => {
            let asked = own_answers(model, count.min(ASKED), seed)?;
            asked.iter().filter_map(|(question, answers)| best_and_worst(question, answers)).collect()
        }
        "group" => {
            let asked = own_answers(model, count.min(ASKED), seed)?;
            asked.iter().map(|(question, answers)| scored(data::Group::of(question, answers))).collect()
        }
        "unpaired" => {
            let asked = own_answers(model, count.min(ASKED), seed)?;
            asked.iter().flat_map(|(question, answers)| liked_and_not(data::Group::of(question, answers))).collect()
        }
        other => bail!("the sandbox has no rows of the view `{other}`; give --data"),
    };
    let path: Arc<Path> = Arc::from(Path::new("sandbox"));
    let row = |(i, record)| Row { origin: Origin { path: Arc::clone(&path), line: i + 1 }, record };
    Ok(records.into_iter().enumerate().map(row).collect())
}

/// Prompts of questions that are not held out.
pub(super) fn prompts(count: usize, seed: u64) -> Vec<Row> {
    let path: Arc<Path> = Arc::from(Path::new("sandbox"));
    let row = |(i, prompt)| Row {
        origin: Origin { path: Arc::clone(&path), line: i + 1 },
        record: Record::group(prompt, Vec::new()),
    };
    data::prompts(count.min(PROMPTS), Split::Train, seed).into_iter().enumerate().map(row).collect()
}

fn demonstrated(demonstration: data::Demonstration) -> Record {
    Record::answer(demonstration.prompt, demonstration.completion).with("weight", [1.0])
}

/// Questions with the model's answers, without empty ones; at least two to each.
fn own_answers(model: &Loaded, count: usize, seed: u64) -> Result<Vec<(Question, Vec<String>)>> {
    let questions = Question::several(count, Split::Train, &mut Random::new(seed).fork("pairs"));
    let prompts: Vec<String> = questions.iter().map(Question::prompt).collect();
    let sampling = Sampling { samples: ANSWERS, max_new_tokens: ANSWER_TOKENS, seed, ..Sampling::default() };
    eprintln!("asking the model {count} questions, {ANSWERS} answers each; the judge compares them");
    let answers = respond(&model.weights, &model.tokenizer, &prompts, sampling)?;
    let texts = |answers: Vec<super::generate::Response>| -> Vec<String> {
        answers.iter().map(|a| a.text.trim().to_owned()).filter(|t| !t.is_empty()).collect()
    };
    Ok(questions.into_iter().zip(answers.into_iter().map(texts)).filter(|(_, texts)| texts.len() > 1).collect())
}

/// None where all answers are worth the same.
fn best_and_worst(question: &Question, answers: &[String]) -> Option<Record> {
    let p = data::Preference::best_and_worst(question, answers)?;
    let margin = p.margin();
    let record = Record::pair(p.prompt, p.chosen, p.rejected).with("margin", [margin]);
    Some(record.with("chosen_score", [p.chosen_score]).with("rejected_score", [p.rejected_score]))
}

/// Each answer's weight is its share of `exp(score)` in the group.
fn scored(group: data::Group) -> Record {
    let largest = group.scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let grown: Vec<f64> = group.scores.iter().map(|score| (score - largest).exp()).collect();
    let total: f64 = grown.iter().sum();
    let weights: Vec<f64> = grown.iter().map(|weight| weight / total).collect();
    let mean = group.scores.iter().sum::<f64>() / group.scores.len() as f64;
    let baselines = vec![mean; group.scores.len()];
    let record = Record::group(group.prompt, group.responses).with("score", group.scores);
    record.with("weight", weights).with("baseline", baselines)
}

/// The best and the worst answer, each on its own; nothing where all are worth the same.
fn liked_and_not(group: data::Group) -> Vec<Record> {
    let place = |sign: f64| {
        let order = |a: &usize, b: &usize| (sign * group.scores[*a]).total_cmp(&(sign * group.scores[*b]));
        (0..group.scores.len()).max_by(order).unwrap_or_default()
    };
    let (best, worst) = (place(1.0), place(-1.0));
    if group.scores[best] == group.scores[worst] {
        return Vec::new();
    }
    let one = |i: usize, label: f64| Record::answer(&group.prompt, &group.responses[i]).with("label", [label]);
    vec![one(best, 1.0), one(worst, 0.0)]
}

/// How an algorithm is run in the sandbox unless options say otherwise.
pub(super) fn defaults(algorithm: &Algorithm) -> RunSettings {
    // Right answers can be followed fast. A model's own answers differ by luck too: slowly, or luck is what it learns.
    if algorithm.draws() {
        return drawn(algorithm);
    }
    if algorithm.family() == "steerlm" {
        return steerlm::defaults();
    }
    if reward_model::trains(&(algorithm.trace)()) {
        return reward_model::defaults();
    }
    let (steps, lr) = if algorithm.view == "demo" { (200, 3e-4) } else { (400, 6e-5) };
    RunSettings { steps: Some(steps), batch: 16, lr, warmup: 10, ..RunSettings::default() }
}

/// The same for an algorithm that draws its answers. What a batch says of a policy is mostly luck, so it is large; and more
/// answers to fewer prompts say more than fewer answers to more.
fn drawn(algorithm: &Algorithm) -> RunSettings {
    let critic = (algorithm.trace)().inputs().any(|(_, owner, ..)| owner == "critic");
    let (steps, batch, num_generations, lr, critic_lr) = match algorithm.family() {
        // A critic is to know what comes before the actor believes it.
        _ if critic => (700, 16, 8, 3e-4, Some(1e-3)),
        "rloo" => (700, 16, 8, 6e-4, None),
        // Where answers hardly differ in worth, its advantages are as large as where they do: slowly.
        "grpo" => (700, 16, 8, 3e-4, None),
        // The best and the worst of more answers are further apart; only these two are trained on, so the others are cheap.
        "online_rpo" => (400, 32, 8, 4e-4, None),
        _ => (400, 32, 4, 4e-4, None),
    };
    let draw = DrawSettings { num_generations, max_new_tokens: ANSWER_TOKENS, ..DrawSettings::default() };
    RunSettings { steps: Some(steps), batch, lr, critic_lr, warmup: 10, draw: Some(draw), ..RunSettings::default() }
}

/// Two policies' answers to the held-out questions.
pub(super) struct Compared {
    pub(super) comparison: Comparison,
    /// How far the later one is from the earlier one, in nats for an answer.
    pub(super) kl: Estimate,
}

/// Asks both policies the held-out questions, and prints what the judge says of the answers.
pub(super) fn compare(before: &Weights, after: &Weights, tokenizer: &Tokenizer, seed: u64) -> Result<Compared> {
    let questions = questions(QUESTIONS);
    let prompts: Vec<String> = questions.iter().map(Question::prompt).collect();
    let sampling = Sampling { max_new_tokens: ANSWER_TOKENS, seed, ..Sampling::default() };
    let answers = |weights: &Weights| -> Result<Vec<super::generate::Response>> {
        let written = respond(weights, tokenizer, &prompts, sampling.clone())?;
        Ok(written.into_iter().flatten().collect())
    };
    let (first, last) = (answers(before)?, answers(after)?);
    let kl = divergence(before, tokenizer, &prompts, &last)?;
    let texts = |answers: &[super::generate::Response]| answers.iter().map(|a| a.text.clone()).collect();
    let comparison = Comparison::new(questions, texts(&first), texts(&last));
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{}", comparison.table(Some(kl)))?;
    writeln!(out, "{}", comparison.samples(3, width()))?;
    Ok(Compared { comparison, kl })
}

/// The trained policy's divergence from the start, estimated on its own answers: the mean over answers of
/// `log p_after - log p_before`.
fn divergence(
    before: &Weights,
    tokenizer: &Tokenizer,
    prompts: &[String],
    answers: &[super::generate::Response],
) -> Result<Estimate> {
    let engine = device::cpu(EngineKind::Fused, Arc::new(Parameters::frozen(before.clone())))?;
    let mut sequences = Sequences::default();
    for (prompt, answer) in prompts.iter().zip(answers) {
        sequences.push(&tokenizer.spans(prompt, &[])?.prompt, &answer.sample.tokens);
    }
    let scored = engine.score(&sequences)?;
    let mut rest = &scored[..];
    let mut gaps = vec![];
    for answer in answers {
        let (here, others) = rest.split_at(answer.sample.tokens.len());
        gaps.push(answer.sample.logp.iter().zip(here).map(|(p, q)| f64::from(p - q)).sum());
        rest = others;
    }
    Ok(Estimate::of(&gaps))
}

/// Letters that fit on a line: the terminal's, or what a page takes.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    columns.unwrap_or_else(|| terminal_size::terminal_size().map_or(80, |(w, _)| usize::from(w.0))).clamp(60, 120)
}

fn write_data(matches: &ArgMatches) -> Result<()> {
    let out = matches.get_one::<PathBuf>("out").expect("required");
    let (rows, seed) =
        (*matches.get_one::<usize>("rows").expect("has a default"), *matches.get_one("seed").expect("has a default"));
    std::fs::create_dir_all(out).with_context(|| format!("{}: cannot be made", out.display()))?;
    let prompts: String = data::prompts(rows, Split::Train, seed)
        .into_iter()
        .map(|p| format!("{}\n", serde_json::json!({ "prompt": p })))
        .collect();
    let files = [
        ("pairs.jsonl", data::jsonl(&data::preferences(rows, Split::Train, &data::Labels::Exact, seed))),
        ("groups.jsonl", data::jsonl(&data::Group::several(rows, ANSWERS, Split::Train, seed))),
        ("demos.jsonl", data::jsonl(&data::demonstrations(rows, seed))),
        ("prompts.jsonl", prompts),
    ];
    for (name, text) in files {
        let path = out.join(name);
        write_whole(&path, text.as_bytes())?;
        writeln!(std::io::stdout().lock(), "{}", path.display())?;
    }
    Ok(())
}

/// Questions with a number for an answer, in two files that share none.
fn write_arithmetic(matches: &ArgMatches) -> Result<()> {
    let out = matches.get_one::<PathBuf>("out").expect("required");
    let (rows, seed) =
        (*matches.get_one::<usize>("rows").expect("has a default"), *matches.get_one("seed").expect("has a default"));
    std::fs::create_dir_all(out).with_context(|| format!("{}: cannot be made", out.display()))?;
    let files = [("train.jsonl", Split::Train, rows), ("held-out.jsonl", Split::HeldOut, rows.div_ceil(8))];
    for (name, split, rows) in files {
        let lines: String = data::sums(rows, split, seed)
            .into_iter()
            .map(|(prompt, answer)| format!("{}\n", serde_json::json!({ "prompt": prompt, "answer": answer })))
            .collect();
        write_whole(&out.join(name), lines.as_bytes())?;
        writeln!(std::io::stdout().lock(), "{}", out.join(name).display())?;
    }
    Ok(())
}

fn judge_one(matches: &ArgMatches) -> Result<()> {
    let text = |name: &str| matches.get_one::<String>(name).expect("required");
    let Some(judged) = judge(text("prompt"), text("response")) else {
        bail!("the judge does not know this question; it knows those of the sandbox (`collimate sandbox data`)");
    };
    let mut out = std::io::stdout().lock();
    for (name, value) in Attributes::NAMES.iter().zip(judged.values()) {
        writeln!(out, "{name:12} {value:.1}")?;
    }
    writeln!(out, "{:12} {:.2}", "reward", judged.reward())?;
    Ok(())
}

fn write_model(matches: &ArgMatches) -> Result<()> {
    let out = matches.get_one::<PathBuf>("out").expect("required");
    let (weights, tokenizer) = base::model()?;
    weights.save(out, Precision::BF16)?;
    tokenizer.files().write(out)?;
    writeln!(std::io::stdout().lock(), "{}", out.display())?;
    Ok(())
}

fn make_model(matches: &ArgMatches) -> Result<()> {
    let out = matches.get_one::<PathBuf>("out").expect("required");
    let steps = matches.get_one("steps").copied().unwrap_or(base::STEPS);
    let seed = *matches.get_one("seed").expect("has a default");
    super::train::catch_interrupt()?;
    base::train(out, steps, seed, &super::train::STOP, &mut super::progress::Training::new())?;
    writeln!(std::io::stdout().lock(), "{}", out.display())?;
    Ok(())
}

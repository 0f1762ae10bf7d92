//! `collimate eval`: what the sandbox's judge says of a model.

use super::generate::respond;
use super::model;
use crate::sandbox::Question;
use crate::sandbox::evaluation::{Estimate, Policy, questions};
use anyhow::Result;
use clap::ArgMatches;
use collimate_runtime::sample::Sampling;
use std::io::Write;
use std::path::PathBuf;

/// An answer of the sandbox is a sentence or two; nobody needs more than this.
const ANSWER_TOKENS: usize = 64;

pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    if let Some(folder) = matches.get_one::<PathBuf>("reward-model") {
        return super::benchmark::run(folder, matches);
    }
    let loaded = model::asked(matches)?;
    let asked = questions(*matches.get_one("questions").expect("has a default"));
    let prompts: Vec<String> = asked.iter().map(Question::prompt).collect();
    let sampling = Sampling {
        max_new_tokens: ANSWER_TOKENS,
        temperature: *matches.get_one("temperature").expect("has a default"),
        seed: *matches.get_one("seed").expect("has a default"),
        ..Sampling::default()
    };
    let written = respond(&loaded.weights, &loaded.tokenizer, &prompts, sampling)?;
    let policy = Policy::judged(&asked, written.into_iter().flatten().map(|response| response.text).collect());
    write!(std::io::stdout().lock(), "{}", table(&asked, &policy))?;
    Ok(())
}

/// Reward, attributes and words over all questions, then reward and correctness by family.
fn table(asked: &[Question], policy: &Policy) -> String {
    let mut lines = vec![format!("{} held-out questions", asked.len())];
    lines.push(format!("{:24}{:>14}", "judge's reward", policy.reward().to_string()));
    for (name, value) in crate::sandbox::Attributes::NAMES.iter().zip(&policy.attributes) {
        lines.push(format!("  {name:22}{:>14}", value.to_string()));
    }
    lines.push(format!("{:24}{:>14}", "words in an answer", policy.words.to_string()));
    lines.push(format!("\n{:24}{:>14}{:>14}{:>11}", "by kind of question", "reward", "correctness", "questions"));
    let mut families: Vec<&str> = asked.iter().map(|question| question.family.name).collect();
    families.sort_unstable();
    families.dedup();
    for family in families {
        let of_family: Vec<usize> = (0..asked.len()).filter(|&i| asked[i].family.name == family).collect();
        let rewards: Vec<f64> = of_family.iter().map(|&i| policy.rewards[i]).collect();
        let right: Vec<f64> = of_family.iter().map(|&i| asked[i].judge(&policy.answers[i]).correctness).collect();
        let (rewards, right) = (Estimate::of(&rewards).to_string(), Estimate::of(&right).to_string());
        lines.push(format!("  {family:22}{rewards:>14}{right:>14}{:>11}", of_family.len()));
    }
    lines.join("\n") + "\n"
}

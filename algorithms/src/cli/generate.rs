//! `collimate generate`: responses to prompts.

use super::{model, progress, train};
use crate::steering::Labels;
use anyhow::{Context, Result};
use clap::ArgMatches;
use collimate_runtime::data::read_prompts;
use collimate_runtime::model::Weights;
use collimate_runtime::sample::{Sample, Sampling};
use collimate_runtime::tokenizer::Tokenizer;
use collimate_runtime::{device, write_whole};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

/// What a model wrote.
pub(super) struct Response {
    pub(super) text: String,
    pub(super) sample: Sample,
}

pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    let place = matches.get_one::<String>("device").expect("has a default");
    device::check(place)?;
    let prompts = match matches.get_one::<PathBuf>("prompts") {
        Some(path) => read_prompts(&[path])?.into_iter().map(|row| row.record.prompt).collect(),
        None => vec![matches.get_one::<String>("prompt").expect("one of the two is required").clone()],
    };
    let prompts: Vec<String> = match matches.get_one::<String>("attributes") {
        Some(text) => {
            let labels = Labels::read(text).with_context(|| format!("--attributes {text}"))?;
            prompts.iter().map(|prompt| labels.within(prompt)).collect()
        }
        None => prompts,
    };
    let loaded = model::asked(matches)?;
    let settings = Sampling {
        samples: *matches.get_one("samples").expect("has a default"),
        max_new_tokens: *matches.get_one("max-new-tokens").expect("has a default"),
        temperature: *matches.get_one("temperature").expect("has a default"),
        top_k: *matches.get_one("top-k").expect("has a default"),
        top_p: *matches.get_one("top-p").expect("has a default"),
        seed: *matches.get_one("seed").expect("has a default"),
        dtype: train::dtype(matches.get_one::<String>("dtype").expect("has a default")),
        ..Sampling::default()
    };
    let written = respond_on(place, &loaded.weights, &loaded.tokenizer, &prompts, settings)?;
    match matches.get_one::<PathBuf>("out") {
        Some(out) => {
            let lines: String = prompts.iter().zip(&written).map(|(p, r)| format!("{}\n", line(p, r))).collect();
            write_whole(out, lines.as_bytes())?;
        }
        None => print(&prompts, &written)?,
    }
    Ok(())
}

/// Each prompt's responses, from the CPU. Generation stops at the model's own end tokens.
pub(super) fn respond(
    weights: &Weights,
    tokenizer: &Tokenizer,
    prompts: &[String],
    settings: Sampling,
) -> Result<Vec<Vec<Response>>> {
    respond_on("cpu", weights, tokenizer, prompts, settings)
}

/// The same from the device of this name.
fn respond_on(
    place: &str,
    weights: &Weights,
    tokenizer: &Tokenizer,
    prompts: &[String],
    settings: Sampling,
) -> Result<Vec<Vec<Response>>> {
    let settings = Sampling { end_tokens: tokenizer.special().stop.clone(), ..settings };
    let encode = |p: &String| Ok(tokenizer.spans(p, &[])?.prompt);
    let tokens: Vec<Vec<u32>> = prompts.iter().map(encode).collect::<Result<_>>()?;
    let bar = progress::bar((prompts.len() * settings.samples) as u64, "responses");
    let samples = device::generate(place, weights, &tokens, &settings, |state| {
        bar.set_position(state.finished as u64);
        bar.set_message(format!("{} tokens", state.tokens));
    })?;
    bar.finish_and_clear();
    let text = |prompt: &[u32], sample: Sample| {
        let end = sample.tokens.len() - usize::from(sample.ended);
        let text = tokenizer.decode_after(prompt, &sample.tokens[..end])?;
        Ok(Response { text, sample })
    };
    let each = |(prompt, samples): (&Vec<u32>, Vec<Sample>)| samples.into_iter().map(|s| text(prompt, s)).collect();
    tokens.iter().zip(samples).map(each).collect()
}

fn line(prompt: &str, responses: &[Response]) -> Value {
    let one = |r: &Response| {
        let logp: f64 = r.sample.logp.iter().map(|x| f64::from(*x)).sum();
        json!({ "text": r.text, "logp": logp, "tokens": r.sample.tokens.len(), "ended": r.sample.ended })
    };
    json!({ "prompt": prompt, "responses": responses.iter().map(one).collect::<Vec<_>>() })
}

fn print(prompts: &[String], written: &[Vec<Response>]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let several = written.iter().map(Vec::len).sum::<usize>() > 1;
    for (prompt, responses) in prompts.iter().zip(written) {
        for (k, response) in responses.iter().enumerate() {
            if several {
                writeln!(out, "── {} of {}", k + 1, responses.len())?;
            }
            let cut = if response.sample.ended { "" } else { " …" };
            writeln!(out, "{prompt}{}{cut}", response.text)?;
        }
    }
    Ok(())
}

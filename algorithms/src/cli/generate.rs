//! `collimate generate`: responses to prompts.

use super::{model, progress, train};
use crate::steering::Labels;
use anyhow::{Context, Result, bail};
use clap::ArgMatches;
use collimate_runtime::data::{Origin, Record, Row, read_prompts};
use collimate_runtime::model::Weights;
use collimate_runtime::sample::{Sample, Sampling};
use collimate_runtime::tokenizer::Tokenizer;
use collimate_runtime::{device, write_whole};
use serde_json::{Map, Value, json};
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
    let rows = match matches.get_one::<PathBuf>("prompts") {
        Some(path) => read_prompts(&[path])?,
        None => Vec::new(),
    };
    let (mut records, origins): (Vec<Record>, Vec<Option<Origin>>) = match matches.get_one::<String>("prompt") {
        Some(prompt) => (vec![Record::group(prompt, Vec::new())], vec![None]),
        None => rows.into_iter().map(|row| (row.record, Some(row.origin))).unzip(),
    };
    if let Some(text) = matches.get_one::<String>("attributes") {
        let labels = Labels::read(text).with_context(|| format!("--attributes {text}"))?;
        let spoken = records.iter().zip(&origins).find(|(record, _)| record.conversation.is_some());
        if let Some((_, Some(origin))) = spoken {
            bail!("{origin}: --attributes are written into a prompt of text, and this one is a list of messages");
        }
        records.iter_mut().for_each(|record| record.prompt = labels.within(&record.prompt));
    }
    let loaded = model::asked(matches)?;
    let asked = records.iter().zip(&origins).map(|(record, origin)| tokens(record, origin.as_ref(), &loaded.tokenizer));
    let asked = asked.collect::<Result<Vec<_>>>()?;
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
    let written = respond_on(place, &loaded.weights, &loaded.tokenizer, &asked, settings)?;
    match matches.get_one::<PathBuf>("out") {
        Some(out) => {
            let lines: String = records.iter().zip(&written).map(|(p, r)| format!("{}\n", line(p, r))).collect();
            write_whole(out, lines.as_bytes())?;
        }
        None => {
            let shown = records.iter().map(|record| Ok(record.prompt_text(&loaded.tokenizer)?));
            print(&shown.collect::<Result<Vec<_>>>()?, &written)?;
        }
    }
    Ok(())
}

/// A prompt as tokens; a problem names the row, if it is one's.
fn tokens(record: &Record, origin: Option<&Origin>, tokenizer: &Tokenizer) -> Result<Vec<u32>> {
    Ok(record.prompt_tokens(tokenizer).map_err(|e| match origin {
        Some(origin) => origin.place(e),
        None => e,
    })?)
}

/// The responses to each row's prompt, from the CPU. Generation stops at the model's own end tokens.
pub(super) fn respond_to(
    weights: &Weights,
    tokenizer: &Tokenizer,
    rows: &[Row],
    settings: Sampling,
) -> Result<Vec<Vec<Response>>> {
    let asked = rows.iter().map(|row| tokens(&row.record, Some(&row.origin), tokenizer));
    respond_on("cpu", weights, tokenizer, &asked.collect::<Result<Vec<_>>>()?, settings)
}

/// Each prompt's responses, from the CPU. Generation stops at the model's own end tokens.
pub(super) fn respond(
    weights: &Weights,
    tokenizer: &Tokenizer,
    prompts: &[String],
    settings: Sampling,
) -> Result<Vec<Vec<Response>>> {
    let tokens = prompts.iter().map(|prompt| Ok(tokenizer.spans(prompt, &[])?.prompt));
    respond_on("cpu", weights, tokenizer, &tokens.collect::<Result<Vec<_>>>()?, settings)
}

/// The same from the device of this name.
fn respond_on(
    place: &str,
    weights: &Weights,
    tokenizer: &Tokenizer,
    tokens: &[Vec<u32>],
    settings: Sampling,
) -> Result<Vec<Vec<Response>>> {
    let settings = Sampling { end_tokens: tokenizer.special().stop.clone(), ..settings };
    let bar = progress::bar((tokens.len() * settings.samples) as u64, "responses");
    let samples = device::generate(place, weights, tokens, &settings, |state| {
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

fn line(record: &Record, responses: &[Response]) -> Value {
    let one = |r: &Response| {
        let logp: f64 = r.sample.logp.iter().map(|x| f64::from(*x)).sum();
        json!({ "text": r.text, "logp": logp, "tokens": r.sample.tokens.len(), "ended": r.sample.ended })
    };
    let mut object: Map<String, Value> = record.prompt_fields();
    object.insert("responses".to_owned(), responses.iter().map(one).collect());
    Value::Object(object)
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

//! What a file of numbers may hold, and where in it each response stands.

use super::object;
use anyhow::{Context, Result, bail, ensure};
use collimate_dsl::ir::SideTag;
use serde_json::{Map, Value};

/// What a response may carry besides the policies that the program reads. A name outside these lists is a slip of the pen.
const RESPONSE_NAMES: &[&str] = &[
    "actor",
    "reference",
    "behavior",
    "previous",
    "teacher",
    "critic",
    "reward_model",
    "judge",
    "value",
    "score",
    "weight",
    "baseline",
    "ended",
    "label",
];
/// What stands behind a policy's name for a number for each word of the vocabulary.
const WORDS: &str = "_words";
const RATINGS: &[&str] = &["helpfulness", "correctness", "coherence", "complexity", "verbosity"];
const SHARES: &[&str] = &["rejected_much_better", "rejected_better", "tie", "chosen_better", "chosen_much_better"];

/// Which of the lists a file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    Pairs,
    Groups,
    Demos,
    Unpaired,
    Rewards,
}

impl Shape {
    const ALL: [Shape; 5] = [Shape::Pairs, Shape::Groups, Shape::Unpaired, Shape::Demos, Shape::Rewards];

    pub(super) fn key(self) -> &'static str {
        match self {
            Shape::Pairs => "pairs",
            Shape::Groups => "groups",
            Shape::Demos => "demos",
            Shape::Unpaired => "unpaired",
            Shape::Rewards => "rewards",
        }
    }
}

/// One response of the file and where it stands, for errors: `pairs[3].chosen`.
pub(super) struct Response<'a> {
    pub(super) path: String,
    /// What the response carries; in a list of rewards, the row.
    pub(super) object: &'a Map<String, Value>,
    /// What the reward model gives it.
    pub(super) model: Option<&'a Value>,
}

/// The responses of one side, each with the index of its prompt.
pub(super) type Side<'a> = (SideTag, Vec<(usize, Response<'a>)>);

/// The one list of the file.
pub(super) fn list(json: &Value) -> Result<(Shape, &Vec<Value>)> {
    let names = Shape::ALL.map(|shape| format!("`{}`", shape.key())).join(", ");
    let object = json.as_object().with_context(|| format!("expected an object with one of {names}"))?;
    ensure!(object.len() == 1, "expected exactly one of {names}, found {} keys", object.len());
    let (key, value) = object.iter().next().expect("checked above");
    let Some(shape) = Shape::ALL.into_iter().find(|shape| shape.key() == key) else {
        bail!("expected one of {names}, found `{key}`");
    };
    let rows = value.as_array().with_context(|| format!("`{key}` must be a list"))?;
    ensure!(!rows.is_empty(), "`{key}` is empty");
    Ok((shape, rows))
}

/// The responses of each side, in order of their prompts.
pub(super) fn sides<'a>(shape: Shape, rows: &'a [Value], policies: &[&str]) -> Result<Vec<Side<'a>>> {
    let mut sides: Vec<Side> = vec![];
    let mut add = |side, prompt, response| match sides.iter_mut().find(|(known, _)| *known == side) {
        Some((_, responses)) => responses.push((prompt, response)),
        None => sides.push((side, vec![(prompt, response)])),
    };
    for (i, row) in rows.iter().enumerate() {
        let path = format!("{}[{i}]", shape.key());
        let row = object(row, &path)?;
        match shape {
            Shape::Demos => {
                known(row, &[RESPONSE_NAMES, RATINGS, policies], &path)?;
                add(SideTag::Answer, i, response(row, path));
            }
            Shape::Unpaired => {
                known(row, &[RESPONSE_NAMES, &["other"], policies], &path)?;
                if let Some(other) = row.get("other") {
                    let path = format!("{path}.other");
                    let other = object(other, &path)?;
                    known(other, &[RESPONSE_NAMES, policies], &path)?;
                    add(SideTag::Mismatched, i, response(other, path));
                }
                add(SideTag::Answer, i, response(row, path));
            }
            Shape::Pairs => {
                known(row, &[&["chosen", "rejected", "document", "margin"], SHARES], &path)?;
                for (side, name) in [(SideTag::Chosen, "chosen"), (SideTag::Rejected, "rejected")] {
                    let value = row.get(name).with_context(|| format!("{path}: `{name}` is missing"))?;
                    let path = format!("{path}.{name}");
                    let value = object(value, &path)?;
                    known(value, &[RESPONSE_NAMES, policies], &path)?;
                    add(side, i, response(value, path));
                }
                if let Some(document) = row.get("document") {
                    let path = format!("{path}.document");
                    let document = object(document, &path)?;
                    known(document, &[RESPONSE_NAMES, policies], &path)?;
                    add(SideTag::Document, i, response(document, path));
                }
            }
            Shape::Groups => {
                known(row, &[&["responses"]], &path)?;
                let list = row.get("responses").and_then(Value::as_array);
                let list = list.with_context(|| format!("{path}: `responses` must be a list"))?;
                ensure!(!list.is_empty(), "{path}.responses is empty");
                for (k, value) in list.iter().enumerate() {
                    let path = format!("{path}.responses[{k}]");
                    let value = object(value, &path)?;
                    known(value, &[RESPONSE_NAMES, policies], &path)?;
                    add(SideTag::Sample, i, response(value, path));
                }
            }
            Shape::Rewards => {
                let judged = ["response", "chosen", "rejected", "margin", "chosen_score", "rejected_score"];
                known(row, &[&judged, SHARES, RATINGS], &path)?;
                let sides = match row.get("response") {
                    Some(_) => vec![(SideTag::Answer, "response")],
                    None => vec![(SideTag::Chosen, "chosen"), (SideTag::Rejected, "rejected")],
                };
                for (side, name) in sides {
                    let value = row.get(name).with_context(|| format!("{path}: `{name}` is missing"))?;
                    let path = format!("{path}.{name}");
                    if let Value::Object(heads) = value {
                        known(heads, &[&["score", "spread"], RATINGS], &path)?;
                    }
                    add(side, i, Response { path, object: row, model: Some(value) });
                }
            }
        }
    }
    Ok(sides)
}

/// How many words the vocabulary has: the length of the lists inside `POLICY_words`, which must agree; 0 without any.
pub(super) fn vocabulary(sides: &[Side]) -> Result<usize> {
    let mut found = None;
    for response in sides.iter().flat_map(|(_, responses)| responses).map(|(_, response)| response) {
        for (key, value) in response.object.iter().filter(|(key, _)| key.ends_with(WORDS)) {
            for (t, words) in value.as_array().into_iter().flatten().enumerate() {
                let path = format!("{}: `{key}[{t}]`", response.path);
                let count = words.as_array().with_context(|| format!("{path} must be a list of numbers"))?.len();
                ensure!(count > 0, "{path} is empty; a vocabulary has at least one word");
                let known = *found.get_or_insert(count);
                ensure!(count == known, "{path} has {count} words where others have {known}");
            }
        }
    }
    Ok(found.unwrap_or(0))
}

fn response(object: &Map<String, Value>, path: String) -> Response<'_> {
    Response { path, object, model: object.get("reward_model") }
}

fn known(object: &Map<String, Value>, lists: &[&[&str]], path: &str) -> Result<()> {
    let mut names = lists.concat();
    let mut seen = vec![];
    names.retain(|name| {
        !seen.contains(name) && {
            seen.push(*name);
            true
        }
    });
    for key in object.keys() {
        // A policy's name may be followed by this.
        if !names.contains(&key.strip_suffix(WORDS).unwrap_or(key)) {
            let hint = crate::cli::nearest(key, names.iter().copied());
            let hint = hint.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            bail!("{path}: `{key}` is not a known name{hint} (known: {})", names.join(", "));
        }
    }
    Ok(())
}

/// How many tokens a response has: the length of its arrays, which must agree.
pub(super) fn tokens(shape: Shape, response: &Response) -> Result<usize> {
    if shape == Shape::Rewards {
        return Ok(1);
    }
    let mut found: Option<(&str, usize)> = None;
    for (key, value) in response.object {
        let Some(array) = value.as_array() else { continue };
        match found {
            None => found = Some((key, array.len())),
            Some((other, n)) => ensure!(
                n == array.len(),
                "{}: `{other}` has {n} tokens and `{key}` has {}; one number for each token is needed",
                response.path,
                array.len()
            ),
        }
    }
    let (key, n) = found.with_context(|| format!("{}: no array of log-probabilities", response.path))?;
    ensure!(n > 0, "{}: `{key}` is empty; a response has at least its end token", response.path);
    Ok(n)
}

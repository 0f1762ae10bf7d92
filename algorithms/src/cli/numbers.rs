//! `numbers.json`: log-probabilities and scores from which `collimate loss` computes.
//!
//! The file holds exactly one list. Every response carries per-token arrays under the policies' lower-case
//! names and scalars where the algorithm needs them; the program's inputs say which.

use anyhow::{Context, Result, bail, ensure};
use collimate_dsl::eval::Inputs;
use collimate_dsl::ir::{Depth, Program, SideTag, Ty};
use collimate_dsl::{Layout, Reach};
use serde_json::{Map, Value, json};

/// What a response or row may carry. A name outside this list is a slip of the pen.
const RESPONSE_NAMES: &[&str] = &[
    "actor",
    "reference",
    "behavior",
    "previous",
    "teacher",
    "value",
    "score",
    "weight",
    "ended",
    "label",
    "attributes",
];
const ROW_NAMES: &[&str] = &["chosen", "rejected", "responses", "margin", "weight"];

/// Which of the lists a file holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    Pairs,
    Groups,
    Demos,
}

impl Shape {
    fn key(self) -> &'static str {
        match self {
            Shape::Pairs => "pairs",
            Shape::Groups => "groups",
            Shape::Demos => "demos",
        }
    }
}

/// A file's numbers, laid out as a program wants them.
#[derive(Debug)]
pub(super) struct Numbers {
    shape: Shape,
    pub(super) layout: Layout,
    pub(super) inputs: Inputs,
}

/// One response of the file and where it stands, for errors: `pairs[3].chosen`.
struct Response<'a> {
    path: String,
    object: &'a Map<String, Value>,
}

impl Numbers {
    /// Takes from `json` what the program reads.
    pub(super) fn read(program: &Program, json: &Value) -> Result<Self> {
        let (shape, rows) = list(json)?;
        let sides = sides(shape, rows)?;
        let mut layout = Layout { prompts: rows.len(), sides: vec![] };
        for (side, responses) in &sides {
            let reaches = responses
                .iter()
                .map(|(prompt, r)| Ok(Reach { prompt: *prompt, tokens: tokens(r)? }))
                .collect::<Result<Vec<_>>>()?;
            layout.sides.push((*side, reaches));
        }
        let mut inputs = Inputs::default();
        for (_, owner, field, ty) in program.inputs() {
            let values = column(shape, rows, &sides, owner, field, ty)?;
            inputs.insert(owner, field, ty.side, values);
        }
        Ok(Numbers { shape, layout, inputs })
    }

    /// The gradient with respect to the actor's log-probabilities, in the shape of the file.
    pub(super) fn gradient(&self, gradient: &Inputs) -> Value {
        let side = |side: SideTag| -> Vec<Value> {
            let Some(flat) = gradient.get("actor", "logp", Some(side)) else { return vec![] };
            let mut rest = flat;
            self.layout
                .side(side)
                .iter()
                .map(|r| {
                    let (own, others) = rest.split_at(r.tokens);
                    rest = others;
                    json!({ "actor": own })
                })
                .collect()
        };
        let rows: Vec<Value> = match self.shape {
            Shape::Pairs => side(SideTag::Chosen)
                .into_iter()
                .zip(side(SideTag::Rejected))
                .map(|(chosen, rejected)| json!({ "chosen": chosen, "rejected": rejected }))
                .collect(),
            Shape::Demos => side(SideTag::Answer),
            Shape::Groups => {
                let mut rows = vec![vec![]; self.layout.prompts];
                for (value, reach) in side(SideTag::Sample).into_iter().zip(self.layout.side(SideTag::Sample)) {
                    rows[reach.prompt].push(value);
                }
                rows.into_iter().map(|r| json!({ "responses": r })).collect()
            }
        };
        json!({ (self.shape.key()): rows })
    }
}

/// The one list of the file.
fn list(json: &Value) -> Result<(Shape, &Vec<Value>)> {
    let object = json.as_object().context("expected an object with one of `pairs`, `groups`, `demos`")?;
    ensure!(object.len() == 1, "expected exactly one of `pairs`, `groups`, `demos`, found {} keys", object.len());
    let (key, value) = object.iter().next().expect("checked above");
    let shape = match key.as_str() {
        "pairs" => Shape::Pairs,
        "groups" => Shape::Groups,
        "demos" => Shape::Demos,
        other => bail!("expected one of `pairs`, `groups`, `demos`, found `{other}`"),
    };
    let rows = value.as_array().with_context(|| format!("`{key}` must be a list"))?;
    ensure!(!rows.is_empty(), "`{key}` is empty");
    Ok((shape, rows))
}

type Side<'a> = (SideTag, Vec<(usize, Response<'a>)>);

/// The responses of each side, in order of their prompts.
fn sides(shape: Shape, rows: &[Value]) -> Result<Vec<Side<'_>>> {
    let key = shape.key();
    let mut out: Vec<Side> = match shape {
        Shape::Pairs => vec![(SideTag::Chosen, vec![]), (SideTag::Rejected, vec![])],
        Shape::Groups => vec![(SideTag::Sample, vec![])],
        Shape::Demos => vec![(SideTag::Answer, vec![])],
    };
    for (i, row) in rows.iter().enumerate() {
        let path = format!("{key}[{i}]");
        match shape {
            Shape::Demos => out[0].1.push((i, response(row, path)?)),
            Shape::Pairs => {
                let row = row_object(row, &path)?;
                for (side, name) in ["chosen", "rejected"].into_iter().enumerate() {
                    let value = row.get(name).with_context(|| format!("{path}: `{name}` is missing"))?;
                    out[side].1.push((i, response(value, format!("{path}.{name}"))?));
                }
            }
            Shape::Groups => {
                let list = row_object(row, &path)?.get("responses").and_then(Value::as_array);
                let list = list.with_context(|| format!("{path}: `responses` must be a list"))?;
                ensure!(!list.is_empty(), "{path}.responses is empty");
                for (k, value) in list.iter().enumerate() {
                    out[0].1.push((i, response(value, format!("{path}.responses[{k}]"))?));
                }
            }
        }
    }
    Ok(out)
}

fn row_object<'a>(row: &'a Value, path: &str) -> Result<&'a Map<String, Value>> {
    let object = row.as_object().with_context(|| format!("{path} must be an object"))?;
    known(object, ROW_NAMES, path)?;
    Ok(object)
}

fn response(value: &Value, path: String) -> Result<Response<'_>> {
    let object = value.as_object().with_context(|| format!("{path} must be an object"))?;
    known(object, RESPONSE_NAMES, &path)?;
    Ok(Response { path, object })
}

fn known(object: &Map<String, Value>, names: &[&str], path: &str) -> Result<()> {
    for key in object.keys() {
        if !names.contains(&key.as_str()) {
            let hint =
                super::nearest(key, names.iter().copied()).map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            bail!("{path}: `{key}` is not a known name{hint} (known: {})", names.join(", "));
        }
    }
    Ok(())
}

/// How many tokens a response has: the length of its arrays, which must agree.
fn tokens(r: &Response) -> Result<usize> {
    let mut found: Option<(&str, usize)> = None;
    for (key, value) in r.object {
        let Some(array) = value.as_array() else { continue };
        match found {
            None => found = Some((key, array.len())),
            Some((other, n)) => ensure!(
                n == array.len(),
                "{}: `{other}` has {n} tokens and `{key}` has {}; one number for each token is needed",
                r.path,
                array.len()
            ),
        }
    }
    let (key, n) = found.with_context(|| format!("{}: no array of log-probabilities", r.path))?;
    ensure!(n > 0, "{}: `{key}` is empty; a response has at least its end token", r.path);
    Ok(n)
}

/// The flat values of one input.
fn column(shape: Shape, rows: &[Value], sides: &[Side], owner: &str, field: &str, ty: Ty) -> Result<Vec<f64>> {
    let key = if field == "logp" { owner } else { short(field) };
    if ty.depth == Depth::EachPrompt {
        let value = |(i, row): (usize, &Value)| {
            let path = format!("{}[{i}]", shape.key());
            number(row.get(key), &path, key)
        };
        return rows.iter().enumerate().map(value).collect();
    }
    let Some((_, responses)) = ty.side.and_then(|s| sides.iter().find(|(t, _)| *t == s)) else {
        let needed = match ty.side {
            Some(SideTag::Chosen | SideTag::Rejected) => "pairs",
            Some(SideTag::Answer) => "demos",
            _ => "groups",
        };
        bail!("this algorithm works on `{needed}`, the file has `{}`", shape.key());
    };
    let mut values = vec![];
    for (_, r) in responses {
        if ty.depth == Depth::EachToken {
            let array = r.object.get(key).with_context(|| format!("{}: `{key}` is missing", r.path))?;
            let array = array.as_array().with_context(|| format!("{}: `{key}` must be a list of numbers", r.path))?;
            for (t, x) in array.iter().enumerate() {
                values.push(number(Some(x), &r.path, &format!("{key}[{t}]"))?);
            }
        } else {
            values.push(number(r.object.get(key), &r.path, key)?);
        }
    }
    Ok(values)
}

/// `chosen_score` is called `score` inside `chosen`.
fn short(field: &str) -> &str {
    field.strip_prefix("chosen_").or_else(|| field.strip_prefix("rejected_")).unwrap_or(field)
}

fn number(value: Option<&Value>, path: &str, key: &str) -> Result<f64> {
    match value {
        None => bail!("{path}: `{key}` is missing"),
        Some(Value::Bool(b)) => Ok(f64::from(u8::from(*b))),
        Some(v) => v.as_f64().with_context(|| format!("{path}: `{key}` must be a number, found {v}")),
    }
}
